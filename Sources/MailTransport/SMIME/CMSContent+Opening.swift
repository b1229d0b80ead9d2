import COpenSSL
import Foundation

extension CMSContent {
    /// The content of EnvelopedData or AuthEnvelopedData.
    ///
    /// - Throws: `EnvelopeError`, also if it is not encrypted at all.
    func decrypted(by identity: MailIdentity) throws -> [UInt8] {
        guard [NID_pkcs7_enveloped, NID_id_smime_ct_authEnvelopedData].contains(type) else {
            throw EnvelopeError(.unprotected, "it is not encrypted; nothing is taken from mail that anybody can read")
        }
        guard interorg_is_recipient(pointer, identity.certificate.x509) == 1 else {
            throw EnvelopeError(
                .notForUs,
                "it is not encrypted to our certificate (fingerprint \(identity.certificate.fingerprint)); its sender "
                    + "may have an older one of ours and has to be given this one")
        }
        OpenSSLFailure.clear()
        let output = try MemoryBIO()
        let flags = UInt32(CMS_BINARY)
        guard
            CMS_decrypt(
                pointer, identity.key.pointer, identity.certificate.x509, nil, output.pointer, flags) == 1
        else {
            throw EnvelopeError(
                .damaged, "it cannot be decrypted (\(OpenSSLFailure.take())); it was changed on its way")
        }
        return output.bytes
    }

    /// The certificates that travel along, without those that cannot be read.
    func certificates() -> [Certificate] {
        guard let stack = CMS_get1_certs(pointer) else { return [] }
        defer { interorg_x509_stack_free(stack) }
        return (0..<interorg_x509_stack_count(stack)).compactMap { index in
            guard let x509 = interorg_x509_stack_at(stack, index), X509_up_ref(x509) == 1 else { return nil }
            return try? Certificate(owning: x509)
        }
    }

    /// The only signer of SignedData. It lives as long as this structure.
    ///
    /// - Throws: `EnvelopeError`, if it is not signed, by several, or with a digest that can be forged.
    func onlySigner() throws -> OpaquePointer {
        guard type == NID_pkcs7_signed else {
            throw EnvelopeError(.unprotected, "it is encrypted but not signed: nobody can say who it is from")
        }
        let count = interorg_signer_count(pointer)
        guard count == 1, let signer = interorg_first_signer(pointer) else {
            throw EnvelopeError(
                .unprotected, "it has \(max(count, 0)) signatures; a message of the exchange has exactly one")
        }
        var algorithm: UnsafeMutablePointer<X509_ALGOR>?
        CMS_SignerInfo_get0_algs(signer, nil, nil, &algorithm, nil)
        let digest = algorithm.map { OBJ_obj2nid($0.pointee.algorithm) } ?? NID_undef
        guard [NID_sha256, NID_sha384, NID_sha512].contains(digest) else {
            throw EnvelopeError(.badSignature, "it is signed with a digest other than SHA-256, SHA-384 or SHA-512")
        }
        return signer
    }

    /// Whether the signer says that this certificate is its own; whether that is true, `content(signedBy:)` tells.
    static func signer(_ signer: OpaquePointer, claims certificate: Certificate) -> Bool {
        defer { OpenSSLFailure.clear() }
        return CMS_SignerInfo_cert_cmp(signer, certificate.x509) == 0
    }

    /// The signed content, if the key of `certificate` has signed it; nil if it has not.
    func content(of signer: OpaquePointer, signedBy certificate: Certificate) throws -> [UInt8]? {
        OpenSSLFailure.clear()
        let output = try MemoryBIO()
        CMS_SignerInfo_set1_signer_cert(signer, certificate.x509)
        // Whether the certificate is to be trusted has been decided before: OpenSSL would ask the clock of the machine.
        let flags = UInt32(CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN)
        let isVerified = CMS_verify(pointer, nil, nil, nil, output.pointer, flags) == 1
        OpenSSLFailure.clear()
        return isVerified ? output.bytes : nil
    }
}
