import COpenSSL

/// The private key of an organization: EC P-256, or another one that OpenSSL can sign and decrypt mail with. Nothing
/// shows it but `pem`.
///
/// `@unchecked Sendable`: OpenSSL's key is never changed after it has been read, and its reference count is atomic.
public final class PrivateKey: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    let pointer: OpaquePointer

    public var description: String { "(private key)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    private init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        EVP_PKEY_free(pointer)
    }

    /// A new key on the curve P-256.
    ///
    /// - Throws: `EnvelopeError` with code `unavailable`.
    public static func makeP256() throws(EnvelopeError) -> PrivateKey {
        OpenSSLFailure.clear()
        guard let key = interorg_make_p256_key() else {
            throw EnvelopeError(.unavailable, "no key can be made: \(OpenSSLFailure.take())")
        }
        return PrivateKey(owning: key)
    }

    /// Reads a key from PEM text (RFC 7468) without a passphrase.
    ///
    /// - Throws: `EnvelopeError` with a sentence for people that shows nothing of the text.
    public convenience init(pem: [UInt8]) throws(EnvelopeError) {
        OpenSSLFailure.clear()
        let pointer: OpaquePointer?
        do {
            pointer = try MemoryBIO.withReading(pem[...]) { interorg_read_private_key($0.pointer) }
        } catch {
            throw EnvelopeError(.unavailable, "the key cannot be read: \(error)")
        }
        guard let pointer else {
            let isProtected = String(decoding: pem, as: UTF8.self).contains("ENCRYPTED")
            OpenSSLFailure.clear()
            throw EnvelopeError(
                .invalidCertificate,
                isProtected
                    ? "the key has a passphrase, which a service cannot enter; take it off with "
                        + "openssl pkey -in KEY -out NEWKEY"
                    : "it has no private key that can be read; expected PEM text with -----BEGIN PRIVATE KEY-----")
        }
        self.init(owning: pointer)
    }

    /// The key as PEM text without a passphrase (PKCS #8, RFC 5958). A secret.
    ///
    /// - Throws: `EnvelopeError` with code `unavailable`.
    public func pem() throws(EnvelopeError) -> String {
        let bio = try MemoryBIO()
        guard PEM_write_bio_PrivateKey(bio.pointer, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw EnvelopeError(.unavailable, "the key cannot be written: \(OpenSSLFailure.take())")
        }
        return String(decoding: bio.bytes, as: UTF8.self)
    }

    /// Whether `certificate` is for this key.
    public func belongs(to certificate: Certificate) -> Bool {
        defer { OpenSSLFailure.clear() }
        return X509_check_private_key(certificate.x509, pointer) == 1
    }
}

/// An organization's own certificate and the key to it.
public struct MailIdentity: Sendable, Equatable {
    public let certificate: Certificate
    public let key: PrivateKey

    /// - Throws: `EnvelopeError` with code `invalidCertificate`, if they do not belong together.
    public init(certificate: Certificate, key: PrivateKey) throws(EnvelopeError) {
        guard key.belongs(to: certificate) else {
            throw EnvelopeError(
                .invalidCertificate, "the key does not belong to the certificate (\(certificate.subject))")
        }
        self.certificate = certificate
        self.key = key
    }

    /// A certificate belongs to one key only.
    public static func == (left: MailIdentity, right: MailIdentity) -> Bool { left.certificate == right.certificate }
}
