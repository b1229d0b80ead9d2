import COpenSSL
import Foundation

/// An X.509 certificate (RFC 5280). Two are equal if they are the same to the byte.
///
/// `@unchecked Sendable`: OpenSSL's certificate is never changed after it has been read; what OpenSSL itself computes of
/// it later (its extensions) it guards with a lock of its own.
public final class Certificate: @unchecked Sendable, Hashable {
    /// Its encoding in DER.
    public let der: [UInt8]
    /// When it becomes valid and when it ends, with whole seconds.
    public let notBefore: Date
    public let notAfter: Date
    /// Whom it is for, as one line such as `CN=branch-a`, without control characters.
    public let subject: String
    /// The mail addresses in it: every `rfc822Name` of `subjectAltName` and every `emailAddress` of the subject
    /// (RFC 8550, section 3), without those that mail cannot carry.
    public let addresses: [MailAddress]
    let x509: OpaquePointer

    /// The SHA-256 of the certificate, as people compare it: 64 hexadecimal digits in groups of four.
    public var fingerprint: String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(x509, EVP_sha256(), &digest, &count) == 1 else { return "unknown" }
        return CertificateFingerprint.text(digest.prefix(Int(count)))
    }

    /// The certificate as text (RFC 7468), as files have it.
    public var pem: String {
        "-----BEGIN CERTIFICATE-----\n"
            + Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
            + "\n-----END CERTIFICATE-----\n"
    }

    /// Takes over one reference to `x509`.
    init(owning x509: OpaquePointer) throws(EnvelopeError) {
        self.x509 = x509
        OpenSSLFailure.clear()
        var encoding: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(x509, &encoding)
        guard count > 0, let encoding, let begin = Self.date(X509_get0_notBefore(x509)),
            let end = Self.date(X509_get0_notAfter(x509)), X509_get0_pubkey(x509) != nil
        else {
            X509_free(x509)
            throw EnvelopeError(.invalidCertificate, "a certificate cannot be read: \(OpenSSLFailure.take())")
        }
        der = Array(UnsafeBufferPointer(start: encoding, count: Int(count)))
        CRYPTO_free(encoding, #fileID, 0)
        notBefore = begin
        notAfter = end
        subject = Self.line(X509_get_subject_name(x509))
        addresses = Self.addresses(of: x509)
    }

    deinit {
        X509_free(x509)
    }

    public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    public func hash(into hasher: inout Hasher) { hasher.combine(der) }

    /// Whether `now` lies in the time it is valid for.
    public func isValid(at now: Date) -> Bool { notBefore <= now && now <= notAfter }

    /// Whether it is signed with its own key.
    public var isSelfSigned: Bool { X509_self_signed(x509, 0) == 1 }

    private static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(timegm(&parts)))
    }

    private static func line(_ name: OpaquePointer?) -> String {
        guard let name, let bio = try? MemoryBIO() else { return "" }
        guard X509_NAME_print_ex(bio.pointer, name, 0, interorg_name_flags()) >= 0 else { return "" }
        return String(decoding: bio.bytes, as: UTF8.self).forPeople
    }

    private static func addresses(of x509: OpaquePointer) -> [MailAddress] {
        guard let texts = X509_get1_email(x509) else { return [] }
        defer { X509_email_free(texts) }
        var addresses: [MailAddress] = []
        for index in 0..<interorg_text_stack_count(texts) {
            guard let text = interorg_text_stack_at(texts, index),
                let address = try? MailAddress(String(cString: text)), !addresses.contains(address)
            else { continue }
            addresses.append(address)
        }
        return addresses
    }
}

/// A fingerprint as people read it to one another.
public enum CertificateFingerprint {
    /// The digits in upper case, in groups of four.
    static func text(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789ABCDEF")
        var text = ""
        for (index, byte) in digest.enumerated() {
            if index > 0, index.isMultiple(of: 2) { text.append(" ") }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }

    /// Whether two fingerprints are the same, however their digits are grouped: with spaces, colons or not at all.
    public static func areEqual(_ left: String, _ right: String) -> Bool {
        let left = digits(left)
        return left.count == 64 && left == digits(right)
    }

    /// The digits alone, in upper case.
    public static func digits(_ text: String) -> String {
        text.filter { !$0.isWhitespace && $0 != ":" && $0 != "-" }.uppercased()
    }
}
