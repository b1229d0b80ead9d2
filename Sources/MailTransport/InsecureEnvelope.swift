/// An envelope that compresses a payload (gzip, RFC 1952) and protects nothing: neither signed nor encrypted.
///
/// Whoever can send mail to the receiver can speak in any organization's name, and whoever carries the mail can read it.
/// It is for tests and for mail that never leaves one machine.
public struct InsecureEnvelope: SealedEnvelope {
    /// The content type of a payload that is compressed and nothing else.
    public static let contentType = "application/vnd.interorg.exchange+ndjson+gzip"

    /// The most bytes that an opened payload may have.
    public let payloadBytesMax: Int

    public var acceptedContentTypes: Set<String> { [Self.contentType] }

    /// Makes an envelope that refuses to open what would expand to more than `payloadBytesMax` bytes.
    public init(payloadBytesMax: Int) {
        self.payloadBytesMax = payloadBytesMax
    }

    public func seal(_ payload: [UInt8], to recipient: MailAddress) throws -> SealedBody {
        SealedBody(contentType: Self.contentType, bytes: try Gzip.compress(payload))
    }

    public func open(_ body: SealedBody, from sender: MailAddress) throws -> [UInt8] {
        let mediaType = MediaType(body.contentType)?.name ?? body.contentType
        guard acceptedContentTypes.contains(mediaType) else {
            throw EnvelopeError(
                .unsupportedContentType,
                "cannot open a message from \(sender): its content type is \(mediaType.forPeople), expected "
                    + "\(Self.contentType); check that both organizations use the same kind of protection"
            )
        }
        do {
            return try Gzip.expand(body.bytes, bytesMax: payloadBytesMax)
        } catch {
            throw EnvelopeError(error.code, "cannot open a message from \(sender): \(error.description)")
        }
    }

    public func sealedBytesMax(payloadBytes: Int) -> Int {
        Gzip.compressedBytesMax(bytes: payloadBytes)
    }
}
