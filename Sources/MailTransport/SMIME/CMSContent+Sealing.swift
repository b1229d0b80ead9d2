import COpenSSL
import Foundation

extension CMSContent {
    /// SignedData (RFC 5652, section 5) with `content` inside, signed with SHA-256 and the key of `identity`, whose
    /// certificate goes along; in DER.
    static func signed(_ content: [UInt8], by identity: MailIdentity, now: Date) throws -> [UInt8] {
        OpenSSLFailure.clear()
        // No S/MIME capabilities: what a peer can open is said in the header of a message.
        let flags = UInt32(CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP)
        let cms = try CMSContent(owning: CMS_sign(nil, nil, nil, nil, flags), "sign")
        guard
            let signer = CMS_add1_signer(
                cms.pointer, identity.certificate.x509, identity.key.pointer, EVP_sha256(), flags),
            let time = ASN1_TIME_set(nil, Int(now.timeIntervalSince1970))
        else { throw EnvelopeError(.unavailable, "cannot sign: \(OpenSSLFailure.take())") }
        defer { ASN1_STRING_free(time) }
        // OpenSSL would write its own clock's time.
        let type = ASN1_STRING_type(time)
        guard CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, type, time, -1) == 1 else {
            throw EnvelopeError(.unavailable, "cannot sign: \(OpenSSLFailure.take())")
        }
        let isSigned = try MemoryBIO.withReading(content[...]) { CMS_final(cms.pointer, $0.pointer, nil, flags) == 1 }
        guard isSigned else { throw EnvelopeError(.unavailable, "cannot sign: \(OpenSSLFailure.take())") }
        return try cms.der()
    }

    /// `content` encrypted so that the owner of each of `certificates` can decrypt it, in DER.
    static func encrypted(
        _ content: [UInt8], to certificates: [Certificate], with cipher: ContentCipher
    ) throws -> [UInt8] {
        OpenSSLFailure.clear()
        let flags = UInt32(CMS_BINARY | CMS_PARTIAL)
        let cms = try CMSContent(owning: CMS_encrypt(nil, nil, cipher.evp, flags), "encrypt")
        for certificate in certificates {
            let flags = UInt32(CMS_KEY_PARAM)
            guard let recipient = CMS_add1_recipient_cert(cms.pointer, certificate.x509, flags), choose(recipient)
            else {
                throw EnvelopeError(
                    .invalidCertificate,
                    "nothing can be encrypted for the certificate \(certificate.subject) "
                        + "(\(OpenSSLFailure.take())); its key has to be EC or RSA")
            }
        }
        let isEncrypted = try MemoryBIO.withReading(content[...]) {
            CMS_final(cms.pointer, $0.pointer, nil, flags) == 1
        }
        guard isEncrypted else { throw EnvelopeError(.unavailable, "cannot encrypt: \(OpenSSLFailure.take())") }
        return try cms.der()
    }

    /// OpenSSL's defaults are old: SHA-1 to derive the key from what two EC keys agree on, and the padding of PKCS #1
    /// v1.5 for RSA. RFC 8551, section 2.3, wants SHA-256 and OAEP.
    private static func choose(_ recipient: OpaquePointer) -> Bool {
        guard let context = CMS_RecipientInfo_get0_pkey_ctx(recipient) else { return false }
        switch CMS_RecipientInfo_type(recipient) {
        case CMS_RECIPINFO_AGREE:
            return EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) == 1
        case CMS_RECIPINFO_TRANS:
            return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1
        default:
            return false
        }
    }
}
