import Foundation

/// An envelope that compresses a payload, signs it and then encrypts it, as S/MIME (RFC 8551) that any other
/// implementation opens.
///
/// Who is speaking is whoever's key has signed, whatever the mail says in `From:`. A certificate is trusted because it is
/// one of those that a peer was made with, to the byte; or, where there is an authority, because the authority stands for
/// it and it has the address of a peer in it. Nothing is taken of certificates that are not valid now.
public struct SMIMEEnvelope: SealedEnvelope {
    static let mediaType = "application/pkcs7-mime"
    private static let olderMediaType = "application/x-pkcs7-mime"

    /// The most bytes that an opened payload may have.
    public let payloadBytesMax: Int
    let id: UUID
    let identity: MailIdentity
    let peers: [EnvelopePeer]
    let authority: CertificateAuthority?
    let learned: LearnedCertificates?
    let now: @Sendable () -> Date

    /// What is not sealed at all is taken too, to be refused with a better reason than that it is no mail of ours.
    public var acceptedContentTypes: Set<String> {
        [Self.mediaType, Self.olderMediaType, InsecureEnvelope.contentType]
    }

    /// Makes the envelope of the organization `id`.
    ///
    /// - Parameters:
    ///   - authority: whom to believe about the certificates of peers; nil: only those that the peers were made with.
    ///   - learned: where to keep what the authority stands for.
    ///   - payloadBytesMax: the most bytes that an opened payload may have.
    ///   - now: the time that certificates have to be valid at.
    public init(
        id: UUID, identity: MailIdentity, peers: [EnvelopePeer], authority: CertificateAuthority? = nil,
        learned: LearnedCertificates? = nil, payloadBytesMax: Int, now: @escaping @Sendable () -> Date
    ) {
        self.id = id
        self.identity = identity
        self.peers = peers
        self.authority = authority
        self.learned = learned
        self.payloadBytesMax = payloadBytesMax
        self.now = now
    }

    public func seal(_ payload: [UInt8], to peer: UUID, ciphers: Set<ContentCipher>?) throws -> SealedBody {
        guard let peer = peers.first(where: { $0.id == peer }) else {
            throw EnvelopeError(.unknownPeer, "no organization of the exchange has the ID \(peer)")
        }
        let now = now()
        guard identity.certificate.isValid(at: now) else {
            throw EnvelopeError(
                .invalidCertificate,
                "cannot seal a message for \(peer.address): our own certificate \(identity.certificate.validity(at: now)); "
                    + "make a new one with interorg keys create and give it to the other organizations")
        }
        let cipher = cipher(for: peer, ciphers)
        let entity = MIMEEntity.encode(
            contentType:
                "\(InsecureEnvelope.contentType); \(Self.recipientParameter)=\(peer.id.uuidString.lowercased())",
            encoding: "binary", try Gzip.compress(payload))
        let signed = try CMSContent.signed(entity, by: identity, now: now)
        // In base64, although it need not be: then openssl cms -decrypt has an output that -verify reads.
        let signedEntity = MIMEEntity.encode(
            contentType: "\(Self.mediaType); smime-type=signed-data; name=\"smime.p7m\"", encoding: "base64",
            Base64.encodeLines(signed))
        let sealed = try CMSContent.encrypted(signedEntity, to: certificates(of: peer, at: now), with: cipher)
        return SealedBody(contentType: cipher.contentType, bytes: sealed)
    }

    public func open(_ body: SealedBody, from claimed: MailAddress) throws -> OpenedBody {
        do {
            return try open(body)
        } catch let error as EnvelopeError {
            throw EnvelopeError(
                error.code, "cannot open a message that says it is from \(claimed): \(error.description)")
        } catch let error as MailFormatError {
            throw EnvelopeError(.damaged, "cannot open a message that says it is from \(claimed): \(error.description)")
        }
    }

    public func sealedBytesMax(payloadBytes: Int) -> Int {
        // A key that is encrypted to a certificate and the certificate's issuer are smaller than the certificate; the rest
        // of a recipient, a signature's attributes and the MIME headers each have less than this.
        let partBytes = 1_024
        let signed =
            Gzip.compressedBytesMax(bytes: payloadBytes) + partBytes + 3 * identity.certificate.der.count + partBytes
        let learnedBytes = authority == nil ? 0 : LearnedCertificates.bytesMax + partBytes
        let recipients = peers.map { peer in
            peer.certificates.reduce(learnedBytes) { $0 + $1.der.count + partBytes }
        }
        return Base64.encodedBytes(signed) + partBytes + (recipients.max() ?? 0) + partBytes
    }

    private func cipher(for peer: EnvelopePeer, _ ciphers: Set<ContentCipher>?) -> ContentCipher {
        if let cipher = peer.cipher { return cipher }
        return ciphers.map { $0.contains(.aes256GCM) } ?? true ? .aes256GCM : .aes256CBC
    }

    /// Every certificate of the peer that is trusted and valid: whichever of its keys it uses, it can decrypt.
    private func certificates(of peer: EnvelopePeer, at now: Date) throws -> [Certificate] {
        var trusted = peer.certificates
        if authority != nil, let learned = learned?[peer.id], !trusted.contains(learned) { trusted.append(learned) }
        let valid = trusted.filter { $0.isValid(at: now) }
        guard valid.isEmpty else { return valid }
        guard let newest = trusted.max(by: { $0.notAfter < $1.notAfter }) else {
            throw EnvelopeError(
                .invalidCertificate,
                "cannot seal a message for \(peer.address): no certificate of it is known; name its file in the "
                    + "configuration, or wait for its first mail if an authority stands for it")
        }
        throw EnvelopeError(
            .invalidCertificate,
            "cannot seal a message for \(peer.address): its certificate \(newest.validity(at: now)); ask for the new one "
                + "and run interorg keys trust")
    }
}

extension Certificate {
    /// What its time says at `now`, as the end of a sentence about it.
    public func validity(at now: Date) -> String {
        let day = Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day()
        if now < notBefore { return "is not valid before \(notBefore.formatted(day))" }
        return now <= notAfter
            ? "is valid until \(notAfter.formatted(day))" : "has expired on \(notAfter.formatted(day))"
    }
}
