import COpenSSL
import Foundation

/// Certificate authorities that an organization trusts to say whose mail address is whose.
///
/// `@unchecked Sendable`: the store is filled once, and OpenSSL guards its reading with a lock of its own.
public final class CertificateAuthority: @unchecked Sendable {
    private let store: OpaquePointer

    /// - Parameter certificates: those of the authorities; all of them are trusted, root or not.
    /// - Throws: `EnvelopeError` with code `unavailable`.
    public init(_ certificates: [Certificate]) throws(EnvelopeError) {
        OpenSSLFailure.clear()
        guard let store = X509_STORE_new() else { throw .noMemory }
        self.store = store
        for certificate in certificates where X509_STORE_add_cert(store, certificate.x509) != 1 {
            throw EnvelopeError(
                .unavailable,
                "the certificate of the authority \(certificate.subject) cannot be used: "
                    + OpenSSLFailure.take())
        }
    }

    deinit {
        X509_STORE_free(store)
    }

    /// Why `certificate` is not to be believed at `now`; nil if the authority, or one that it has certified, stands for
    /// it.
    ///
    /// - Parameter others: certificates that may lie between it and the authority.
    func objection(to certificate: Certificate, others: [Certificate], now: Date) throws(EnvelopeError) -> String? {
        OpenSSLFailure.clear()
        defer { OpenSSLFailure.clear() }
        guard let context = X509_STORE_CTX_new(), let between = interorg_x509_stack_new() else { throw .noMemory }
        defer {
            X509_STORE_CTX_free(context)
            interorg_x509_stack_free(between)
        }
        for other in others where interorg_x509_stack_push(between, other.x509) != 1 { throw .noMemory }
        guard X509_STORE_CTX_init(context, store, certificate.x509, between) == 1,
            X509_STORE_CTX_set_default(context, "smime_sign") == 1
        else { throw .noMemory }
        X509_STORE_CTX_set_time(context, UInt(X509_V_FLAG_PARTIAL_CHAIN), Int(now.timeIntervalSince1970))
        X509_STORE_CTX_set_flags(context, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        guard X509_verify_cert(context) != 1 else { return nil }
        return String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
    }
}
