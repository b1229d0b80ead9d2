import COpenSSL
import Foundation

extension MailIdentity {
    /// Before its maker's now, so that a peer whose clock is behind does not take it for a certificate of tomorrow.
    private static let backdatedSeconds: TimeInterval = 86_400

    /// Makes a certificate for `address` that is signed with `key` itself: for mail, good for signing and for encrypting,
    /// with the address as `rfc822Name` (RFC 8550).
    ///
    /// - Parameters:
    ///   - organization: its subject, at most 64 Unicode scalars.
    ///   - days: how long it is valid from `now` on; it begins a day earlier.
    /// - Throws: `EnvelopeError` with code `unavailable`.
    public static func selfSigned(
        organization: String, address: MailAddress, key: PrivateKey, days: Int, now: Date
    ) throws(EnvelopeError) -> MailIdentity {
        OpenSSLFailure.clear()
        guard let x509 = X509_new() else { throw .noMemory }
        guard fill(x509, organization, address, key, days, now) else {
            let reason = OpenSSLFailure.take()
            X509_free(x509)
            throw EnvelopeError(.unavailable, "no certificate can be made for \(organization): \(reason)")
        }
        return try MailIdentity(certificate: Certificate(owning: x509), key: key)
    }

    private static func fill(
        _ x509: OpaquePointer, _ organization: String, _ address: MailAddress, _ key: PrivateKey, _ days: Int,
        _ now: Date
    ) -> Bool {
        let version3 = 2
        guard X509_set_version(x509, version3) == 1, setSerial(x509),
            let name = X509_get_subject_name(x509),
            X509_NAME_add_entry_by_NID(
                name, NID_commonName, MBSTRING_UTF8, organization, Int32(organization.utf8.count), -1, 0) == 1,
            X509_set_issuer_name(x509, name) == 1,
            let begin = X509_getm_notBefore(x509), let end = X509_getm_notAfter(x509),
            ASN1_TIME_set(begin, Int(now.timeIntervalSince1970 - backdatedSeconds)) != nil,
            ASN1_TIME_set(end, Int(now.timeIntervalSince1970) + days * 86_400) != nil,
            X509_set_pubkey(x509, key.pointer) == 1,
            interorg_add_rfc822_name(x509, address.text, Int32(address.text.utf8.count)) == 1
        else { return false }
        // `hash` after the public key is there: it is what the identifier is made of.
        for (extensionID, value) in [
            (NID_basic_constraints, "critical,CA:FALSE"),
            (NID_key_usage, "critical,digitalSignature,keyAgreement"),
            (NID_ext_key_usage, "emailProtection"),
            (NID_subject_key_identifier, "hash"),
        ] {
            guard add(extensionID, value, to: x509) else { return false }
        }
        return X509_sign(x509, key.pointer, EVP_sha256()) > 0
    }

    /// A random serial number of 127 bits: no two certificates have the same issuer and number.
    private static func setSerial(_ x509: OpaquePointer) -> Bool {
        guard let number = BN_new() else { return false }
        defer { BN_free(number) }
        return BN_rand(number, 127, 0, 0) == 1 && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nil
    }

    private static func add(_ extensionID: Int32, _ value: String, to x509: OpaquePointer) -> Bool {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, x509, x509, nil, nil, 0)
        guard let made = X509V3_EXT_conf_nid(nil, &context, extensionID, value) else { return false }
        defer { X509_EXTENSION_free(made) }
        return X509_add_ext(x509, made, -1) == 1
    }
}
