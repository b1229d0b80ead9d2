import COpenSSL
import Foundation

extension SMIMEEnvelope {
    /// The parameter of the signed content type that names the organization that the message was signed for.
    static let recipientParameter = "recipient"

    /// Who has signed a message, and what.
    private struct Signed {
        let speaker: UUID
        let content: [UInt8]
    }

    func open(_ body: SealedBody) throws -> OpenedBody {
        let type = MediaType(body.contentType)?.name ?? ""
        guard type != InsecureEnvelope.contentType else {
            throw EnvelopeError(
                .unprotected,
                "it is neither signed nor encrypted; does its sender's configuration say insecure: true?")
        }
        guard acceptedContentTypes.contains(type) else {
            throw EnvelopeError(
                .unsupportedContentType,
                "its content type is \(body.contentType.forPeople), expected \(Self.mediaType)")
        }
        return try open(decrypted: CMSContent(body.bytes[...]).decrypted(by: identity))
    }

    /// Opens what was encrypted.
    func open(decrypted: [UInt8]) throws -> OpenedBody {
        let entity = try MIMEPart(decrypted[...])
        guard entity.mediaType?.name.hasSuffix("pkcs7-mime") == true else {
            throw EnvelopeError(
                .unprotected,
                "it is encrypted but not signed in the way of the exchange (its content is "
                    + "\(entity.contentType.forPeople), expected \(Self.mediaType) with signed data)")
        }
        let signed = try signed(CMSContent(try MIMEEntity.content(of: entity)[...]))
        return OpenedBody(speaker: signed.speaker, payload: try payload(of: signed))
    }

    private func payload(of signed: Signed) throws -> [UInt8] {
        let entity = try MIMEPart(signed.content[...])
        guard let type = entity.mediaType, type.name == InsecureEnvelope.contentType else {
            throw EnvelopeError(
                .unsupportedContentType,
                "it holds \(entity.contentType.forPeople), expected \(InsecureEnvelope.contentType)")
        }
        // Otherwise whoever a message was for could encrypt it to another organization, signature and all.
        if let recipient = type.parameter(Self.recipientParameter), UUID(uuidString: recipient) != id {
            throw EnvelopeError(
                .notForUs,
                "it was signed for another organization (\(recipient.forPeople)), and has been passed on to us")
        }
        return try Gzip.expand(MIMEEntity.content(of: entity), bytesMax: payloadBytesMax)
    }

    private func signed(_ cms: borrowing CMSContent) throws -> Signed {
        let signer = try cms.onlySigner()
        guard cms.innerType == NID_pkcs7_data else {
            throw EnvelopeError(.damaged, "what is signed in it is no data")
        }
        let now = now()
        var isClaimed = false
        for peer in peers {
            for certificate in peer.certificates where CMSContent.signer(signer, claims: certificate) {
                isClaimed = true
                guard let content = try cms.content(of: signer, signedBy: certificate) else { continue }
                try requireValid(certificate, of: peer, at: now)
                return Signed(speaker: peer.id, content: content)
            }
        }
        let companions = cms.certificates()
        if let authority, !isClaimed,
            let certificate = companions.first(where: { CMSContent.signer(signer, claims: $0) })
        {
            // Nothing is calculated with a key that a stranger has chosen.
            let peer = try peer(certificate, authority, companions, at: now)
            guard let content = try cms.content(of: signer, signedBy: certificate) else { throw Self.badSignature }
            learned?.learn(certificate, of: peer.id)
            return Signed(speaker: peer.id, content: content)
        }
        guard !isClaimed else { throw Self.badSignature }
        throw unknown(companions.first { CMSContent.signer(signer, claims: $0) })
    }

    /// The peer whose address `certificate` has, if the authority stands for it.
    private func peer(
        _ certificate: Certificate, _ authority: CertificateAuthority, _ companions: [Certificate], at now: Date
    ) throws -> EnvelopePeer {
        if let objection = try authority.objection(to: certificate, others: companions, now: now) {
            throw EnvelopeError(
                .invalidCertificate,
                "the authority does not stand for the certificate that it is signed with (\(certificate.subject)): "
                    + objection)
        }
        guard let peer = peers.first(where: { certificate.addresses.contains($0.address) }) else {
            let addresses = certificate.addresses.map(\.text).joined(separator: ", ")
            throw EnvelopeError(
                .invalidCertificate,
                "the certificate that it is signed with (\(certificate.subject)) is for "
                    + "\(addresses.isEmpty ? "no mail address" : addresses), the address of no organization of the exchange"
            )
        }
        return peer
    }

    private func requireValid(_ certificate: Certificate, of peer: EnvelopePeer, at now: Date) throws {
        guard !certificate.isValid(at: now) else { return }
        throw EnvelopeError(
            .invalidCertificate,
            "the certificate of \(peer.address) that it is signed with \(certificate.validity(at: now)); ask for the new "
                + "one and run interorg keys trust")
    }

    private static let badSignature = EnvelopeError(
        .badSignature, "its signature does not fit: it was changed, or signed with another key than it says")

    private func unknown(_ certificate: Certificate?) -> EnvelopeError {
        let shown = certificate.map { "\($0.subject), fingerprint \($0.fingerprint)" } ?? "it does not say which"
        return EnvelopeError(
            .unknownPeer,
            "it is signed with a certificate that is not trusted (\(shown)); if its owner confirms the fingerprint, run "
                + "interorg keys trust")
    }
}
