import Foundation

/// An envelope that compresses a payload (gzip, RFC 1952) and protects nothing: neither signed nor encrypted.
///
/// Whoever can send mail to the receiver can speak in any organization's name, and whoever carries the mail can read it.
/// It is for tests and for mail that never leaves one machine.
public struct InsecureEnvelope: SealedEnvelope {
    /// The content type of a payload that is compressed and nothing else.
    public static let contentType = "application/vnd.interorg.exchange+ndjson+gzip"

    /// The most bytes that an opened payload may have.
    public let payloadBytesMax: Int
    private let speakers: [MailAddress: UUID]

    public var acceptedContentTypes: Set<String> { [Self.contentType] }

    /// Makes an envelope that takes the sender's address for who is speaking, and refuses to open what would expand to
    /// more than `payloadBytesMax` bytes.
    public init(payloadBytesMax: Int, peers: [EnvelopePeer]) {
        self.payloadBytesMax = payloadBytesMax
        speakers = Dictionary(peers.map { ($0.address, $0.id) }) { first, _ in first }
    }

    public func seal(_ payload: [UInt8], to peer: UUID, ciphers: Set<ContentCipher>?) throws -> SealedBody {
        SealedBody(contentType: Self.contentType, bytes: try Gzip.compress(payload))
    }

    public func open(_ body: SealedBody, from claimed: MailAddress) throws -> OpenedBody {
        guard let speaker = speakers[claimed] else {
            throw EnvelopeError(.unknownPeer, "\(claimed) is the address of no organization of the exchange")
        }
        let mediaType = MediaType(body.contentType)?.name ?? body.contentType
        guard acceptedContentTypes.contains(mediaType) else {
            throw EnvelopeError(
                .unsupportedContentType,
                "cannot open a message from \(claimed): its content type is \(mediaType.forPeople), expected "
                    + "\(Self.contentType); check that both organizations use the same kind of protection"
            )
        }
        do {
            let payload = try Gzip.expand(body.bytes, bytesMax: payloadBytesMax)
            return OpenedBody(speaker: speaker, payload: payload)
        } catch {
            throw EnvelopeError(error.code, "cannot open a message from \(claimed): \(error.description)")
        }
    }

    public func sealedBytesMax(payloadBytes: Int) -> Int {
        Gzip.compressedBytesMax(bytes: payloadBytes)
    }
}
