import Foundation
import MailTransport

/// The certificates of one peer, to add to or to take from.
public struct KeyTrust: Sendable {
    private let peer: Configuration.Peer
    private let configuration: Configuration
    /// The file that is changed: the first that the configuration names for the peer.
    public let file: String

    /// More than a file with certificates has, in bytes.
    private static let fileBytesMax = 1_000_000

    /// - Parameter organization: the peer's name as the configuration has it.
    /// - Throws: ``KeyError``, if there is no such peer, or no file is named for its certificates.
    public init(_ configuration: Configuration, organization: String) throws(KeyError) {
        guard let peer = configuration.peers.first(where: { $0.organization == organization }) else {
            let names = configuration.peers.map { "\"\($0.organization)\"" }.joined(separator: ", ")
            throw KeyError(
                "\(configuration.file) has no organization \"\(organization)\" to exchange mail with; it has "
                    + (names.isEmpty ? "none" : names))
        }
        guard let file = peer.certificates.files.first else {
            throw KeyError(
                "\(configuration.file) does not say where the certificates of \(organization) are: add "
                    + "certificate: FILE to its section; the file need not be there yet")
        }
        self.peer = peer
        self.configuration = configuration
        self.file = file
    }

    /// The certificate in a file that somebody has sent, PEM or DER.
    ///
    /// - Throws: ``KeyError``, if it is none that the peer could be trusted with.
    public func candidate(in path: String, now: Date) throws -> Candidate {
        let certificates: [Certificate]
        do {
            certificates = try Certificate.all(in: SmallFile.read(path, bytesMax: Self.fileBytesMax).bytes)
        } catch let failure as SmallFile.Failure {
            throw KeyError("the certificate file \(path) cannot be read: \(failure.reason)")
        } catch let error as EnvelopeError {
            throw KeyError("the certificate file \(path) cannot be used: \(error.description)")
        }
        guard certificates.count == 1, let certificate = certificates.first else {
            throw KeyError(
                "\(path) has \(certificates.count) certificates; give them one by one, since each of them is to be compared"
            )
        }
        if let holder = configuration.holder(of: certificate), holder != peer.organization {
            throw KeyError("the certificate in \(path) is that of \(holder); every organization needs its own")
        }
        guard now <= certificate.notAfter else {
            throw KeyError("the certificate in \(path) \(certificate.validity(at: now)); ask for a new one")
        }
        return Candidate(
            certificate: certificate, isTrusted: peer.certificates.all.contains(certificate),
            report: KeyReport(certificate, of: peer.organization, isOwn: false, now: now))
    }

    /// A certificate that may become a trusted one.
    public struct Candidate: Sendable {
        let certificate: Certificate
        /// Whether it is trusted already.
        public let isTrusted: Bool
        public let report: KeyReport

        /// Whether a fingerprint that somebody has read out, however it is grouped, is this certificate's.
        public func has(fingerprint: String) -> Bool {
            CertificateFingerprint.areEqual(fingerprint, report.fingerprint)
        }
    }

    /// Trusts the certificate from now on, beside those that are trusted already.
    ///
    /// - Throws: ``KeyError``.
    public func add(_ candidate: Candidate, now: Date) throws {
        guard !candidate.isTrusted else { return }
        let text = try existingText()
        let day = now.formatted(.iso8601.year().month().day())
        let separator = text.isEmpty || text.hasSuffix("\n") ? "" : "\n"
        let added = "# trusted on \(day), fingerprint \(candidate.report.fingerprint)\n\(candidate.certificate.pem)"
        try KeyFile.write(text + separator + added, to: file, permissions: 0o644, isReplacing: true)
    }

    /// Trusts the certificate with this fingerprint no longer.
    ///
    /// - Parameter fingerprint: the whole of it, or its first 8 or more digits if no other one begins so.
    /// - Returns: what it was.
    /// - Throws: ``KeyError``, also for the last certificate of the peer.
    public func remove(fingerprint: String, now: Date) throws -> KeyReport {
        let digits = CertificateFingerprint.digits(fingerprint)
        let found = peer.certificates.all.filter {
            digits.count >= 8 && CertificateFingerprint.digits($0.fingerprint).hasPrefix(digits)
        }
        guard found.count == 1, let certificate = found.first else {
            throw KeyError(
                "\(found.isEmpty ? "no" : "more than one") certificate of \(peer.organization) has a fingerprint that begins "
                    + "with \(fingerprint); interorg keys show lists them (at least 8 digits)")
        }
        guard peer.certificates.all.count > 1 else {
            throw KeyError(
                "it is the only certificate of \(peer.organization); trust the new one first, or take the organization out "
                    + "of \(configuration.file)")
        }
        for path in peer.certificates.files { try remove(certificate, from: path) }
        return KeyReport(certificate, of: peer.organization, isOwn: false, now: now)
    }

    private func remove(_ certificate: Certificate, from path: String) throws {
        let certificates = try Certificate.all(in: SmallFile.read(path, bytesMax: Self.fileBytesMax).bytes)
        guard certificates.contains(certificate) else { return }
        let kept = certificates.filter { $0 != certificate }
        guard !kept.isEmpty else {
            throw KeyError("\(path) has no other certificate: take it out of the list in \(configuration.file) instead")
        }
        let text = kept.map { "# fingerprint \($0.fingerprint)\n\($0.pem)" }.joined()
        try KeyFile.write(text, to: path, permissions: 0o644, isReplacing: true)
    }

    private func existingText() throws(KeyError) -> String {
        guard FileManager.default.fileExists(atPath: file) else { return "" }
        do throws(SmallFile.Failure) {
            let read = try SmallFile.read(file, bytesMax: Self.fileBytesMax)
            guard read.bytes.first != 0x30 else { return peer.certificates.all.map(\.pem).joined() }
            return String(decoding: read.bytes, as: UTF8.self)
        } catch {
            throw KeyError("the certificate file \(file) cannot be read: \(error.reason)")
        }
    }
}

extension Configuration {
    /// The name of the organization that has this certificate already.
    fileprivate func holder(of certificate: Certificate) -> String? {
        if exchange.protection.keys?.identity?.certificate == certificate { return organization }
        return peers.first { $0.certificates.all.contains(certificate) }?.organization
    }
}
