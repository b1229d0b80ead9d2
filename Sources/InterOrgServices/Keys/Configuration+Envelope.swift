import Crypto
import Foundation
import Logging
import MailTransport

extension Configuration {
    /// However large a mail may be, a payload expands to no more than this many bytes.
    private var payloadBytesMax: Int { max(messageBytesMax, 8_000_000) * 2 }

    /// What seals and opens the mail of this organization.
    ///
    /// - Throws: `EnvelopeError`, if the certificate of an authority cannot be used.
    func envelope(logger: Logger, now: @escaping @Sendable () -> Date) throws -> any SealedEnvelope {
        let peers = try peers.map { peer in
            EnvelopePeer(
                id: peer.organizationID, address: try MailAddress(peer.address), certificates: peer.certificates.all,
                cipher: peer.cipher)
        }
        guard case .sealed(let keys) = exchange.protection, let identity = keys.identity else {
            logger.notice("mail is neither signed nor encrypted: the configuration says insecure: true")
            return InsecureEnvelope(payloadBytesMax: payloadBytesMax, peers: peers)
        }
        let authority = try keys.authority.map { try CertificateAuthority($0.all) }
        return SMIMEEnvelope(
            id: organizationID, identity: identity, peers: peers, authority: authority,
            learned: keys.authority.map { LearnedCertificateFiles(self, authority: $0).read(logger: logger) },
            payloadBytesMax: payloadBytesMax, now: now)
    }

    /// The organizations that this one exchanges mail with.
    var peers: [Peer] {
        switch role {
        case .master(let requestors): requestors
        case .requestor(let master): [master]
        }
    }
}

/// Certificates that an authority stands for, as they were seen in mail: a file for each peer, below the state folder.
/// They are only encrypted to; who has signed a mail is always verified anew.
struct LearnedCertificateFiles {
    private let folder: String
    private let peers: [UUID]

    /// What one authority stood for is nothing to another one, so each has a folder of its own.
    init(_ configuration: Configuration, authority: Configuration.TrustedCertificates) {
        let digest = SHA256.hash(data: authority.all.flatMap(\.der)).prefix(8)
        let name = digest.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
        folder = "\(configuration.stateFolder)/certificates/\(name)"
        peers = configuration.peers.map(\.organizationID)
    }

    /// What is there, with what keeps it up to date. A file that cannot be read is learned again.
    func read(logger: Logger) -> LearnedCertificates {
        var known: [UUID: Certificate] = [:]
        for peer in peers {
            guard let file = try? SmallFile.read(path(peer), bytesMax: 1_000_000) else { continue }
            known[peer] = try? Certificate.all(in: file.bytes).first
        }
        return LearnedCertificates(known) { peer, certificate in
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try Data(certificate.pem.utf8).write(to: URL(filePath: path(peer)), options: .atomic)
                logger.info(
                    "the authority stands for a new certificate of a peer",
                    metadata: ["subject": "\(certificate.subject)", "fingerprint": "\(certificate.fingerprint)"])
            } catch {
                logger.error("keep the new certificate of a peer in \(path(peer)): \(error)")
            }
        }
    }

    private func path(_ peer: UUID) -> String { "\(folder)/\(peer.uuidString.lowercased()).pem" }
}
