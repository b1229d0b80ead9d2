import COpenSSL

/// How the content of a mail is encrypted.
public enum ContentCipher: String, Sendable, Hashable, CaseIterable {
    /// AES-256 in Galois/Counter Mode, as AuthEnvelopedData (RFC 5083, RFC 5084). OpenSSL has it from 3.0 on.
    case aes256GCM = "aes-256-gcm"
    /// AES-256 in cipher block chaining mode, as EnvelopedData (RFC 5652), for receivers that do not know the other one.
    case aes256CBC = "aes-256-cbc"

    var evp: OpaquePointer? {
        switch self {
        case .aes256GCM: EVP_aes_256_gcm()
        case .aes256CBC: EVP_aes_256_cbc()
        }
    }

    /// The content type of a mail that is encrypted so (RFC 8551, section 3.2.2).
    var contentType: String {
        let type =
            switch self {
            case .aes256GCM: "authEnveloped-data"
            case .aes256CBC: "enveloped-data"
            }
        return "\(SMIMEEnvelope.mediaType); smime-type=\(type); name=\"smime.p7m\""
    }
}
