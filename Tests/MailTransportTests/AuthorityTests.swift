import Foundation
import Synchronization
import Testing

@testable import MailTransport

@Suite("With an authority, a peer is believed by the address in its certificate") struct AuthorityTests {
    /// After what the command makes meanwhile.
    private let now = Date() + 3_600

    /// An authority `ca.crt`, and certificates that it has issued: `NAME.crt` with these extensions and this subject.
    private func makeAuthority(_ folder: TemporaryFolder, name: String = "ca") throws -> CertificateAuthority {
        try folder.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "\(name).key",
            "-out", "\(name).crt", "-days", "3650", "-subj", "/CN=Authority \(name)")
        return try CertificateAuthority(Certificate.all(in: folder.read("\(name).crt")))
    }

    private func issue(
        _ name: String, _ folder: TemporaryFolder, by authority: String = "ca", subject: String? = nil,
        extensions: String? = nil, days: String = "30"
    ) throws -> Party {
        try folder.openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "\(name).key", "-out",
            "\(name).csr", "-subj", subject ?? "/CN=\(name)")
        try folder.write(extensions ?? "subjectAltName=email:interorg@\(name).example", to: "\(name).ext")
        try folder.openssl(
            "x509", "-req", "-in", "\(name).csr", "-CA", "\(authority).crt", "-CAkey", "\(authority).key",
            "-CAcreateserial", "-days", days, "-extfile", "\(name).ext", "-out", "\(name).crt")
        return Party(name, identity: try folder.identity(name))
    }

    private func opened(
        _ sender: Party, by receiver: Party, _ authority: CertificateAuthority?, peers: EnvelopePeer...,
        learned: LearnedCertificates? = nil, now: Date? = nil
    ) throws -> OpenedBody {
        // At a time when every certificate here is valid.
        let sealed = try sender.envelope(receiver.peer(), now: self.now).seal([1], to: receiver.id)
        let envelope = SMIMEEnvelope(
            id: receiver.id, identity: receiver.identity, peers: peers, authority: authority, learned: learned,
            payloadBytesMax: 1_000_000, now: { now ?? self.now })
        return try envelope.open(sealed, from: sender.address)
    }

    @Test("in subjectAltName or in the subject")
    func believed() throws {
        try TemporaryFolder.with { folder in
            let authority = try makeAuthority(folder)
            let b = try issue("b", folder)
            let a = try issue("a", folder)
            #expect(try opened(a, by: b, authority, peers: a.peer(certificates: [])).speaker == a.id)
            let c = try issue(
                "c", folder, subject: "/CN=c/emailAddress=InterOrg@c.example", extensions: "basicConstraints=CA:FALSE")
            let peers = (a.peer(certificates: []), c.peer(certificates: []))
            #expect(try opened(c, by: b, authority, peers: peers.0, peers.1).speaker == c.id)
        }
    }

    @Test("and not if it is for another address, of another authority, or not valid now")
    func refused() throws {
        try TemporaryFolder.with { folder in
            let authority = try makeAuthority(folder)
            _ = try makeAuthority(folder, name: "other")
            let b = try issue("b", folder)
            let wrong = try issue("a", folder, extensions: "subjectAltName=email:somebody@else.example")
            let peer = wrong.peer(certificates: [])
            let address = try refusal { try opened(wrong, by: b, authority, peers: peer) }
            #expect(address?.code == .invalidCertificate)
            #expect(address?.description.contains("somebody@else.example") == true)

            let foreign = try issue("a", folder, by: "other")
            #expect(try refusal { try opened(foreign, by: b, authority, peers: peer) }?.code == .invalidCertificate)
            let selfMade = try Party("a", made: now)
            #expect(try refusal { try opened(selfMade, by: b, authority, peers: peer) }?.code == .invalidCertificate)

            let right = try issue("a", folder)
            let month = now + 31 * 86_400
            let late = try refusal { try opened(right, by: b, authority, peers: peer, now: month) }
            #expect(late?.description.contains("expired") == true)
            let early = try refusal { try opened(right, by: b, authority, peers: peer, now: now - 86_400) }
            #expect(early?.description.contains("not yet valid") == true)
            #expect(try refusal { try opened(right, by: b, nil, peers: peer) }?.code == .unknownPeer)
            // A certificate for servers is none for mail.
            let server = try issue(
                "a", folder, extensions: "subjectAltName=email:interorg@a.example\nextendedKeyUsage=serverAuth")
            #expect(try refusal { try opened(server, by: b, authority, peers: peer) }?.code == .invalidCertificate)
        }
    }

    @Test("and mail is encrypted to the newest certificate that it has shown")
    func learned() throws {
        try TemporaryFolder.with { folder in
            let authority = try makeAuthority(folder)
            let b = try issue("b", folder)
            let a = try issue("a", folder)
            let kept = Mutex<[Certificate]>([])
            let learned = LearnedCertificates { peer, certificate in
                if peer == a.id { kept.withLock { $0.append(certificate) } }
            }
            let peer = a.peer(certificates: [])
            let envelope = b.envelope(peer, authority: authority, learned: learned, now: now)
            #expect(throws: EnvelopeError.self) { try envelope.seal([2], to: a.id) }
            for _ in 0..<2 {
                _ = try opened(a, by: b, authority, peers: peer, learned: learned)
                let answer = try envelope.seal([2], to: a.id)
                #expect(try a.envelope(b.peer(), now: now).open(answer, from: b.address).payload == [2])
                #expect(answer.bytes.count <= envelope.sealedBytesMax(payloadBytes: 1))
            }
            #expect(kept.withLock { $0 } == [a.identity.certificate])
        }
    }
}
