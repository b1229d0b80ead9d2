/// A payload as it stands in a mail: bytes, and the media type that says how to open them.
public struct SealedBody: Sendable, Equatable {
    /// The value of the `Content-Type` field (RFC 2045, section 5.1), with its parameters.
    public let contentType: String
    /// The body before any content transfer encoding.
    public let bytes: [UInt8]

    /// Makes a body. Nothing is checked here: `MailMessage` refuses a content type that no header field can hold.
    public init(contentType: String, bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
    }
}

/// What protects a payload on its way through mail systems: compression, and where it is called for, signature and
/// encryption.
///
/// An envelope is the only judge of who is speaking. `InsecureEnvelope` judges nothing; an implementation for S/MIME
/// (RFC 8551) verifies the signing certificate of `sender`.
public protocol SealedEnvelope: Sendable {
    /// The media types, lower case and without parameters, of the bodies that `open` understands.
    var acceptedContentTypes: Set<String> { get }

    /// Seals `payload` so that `recipient` can open it.
    ///
    /// - Throws: `EnvelopeError`, when the payload cannot be sealed for this recipient.
    func seal(_ payload: [UInt8], to recipient: MailAddress) throws -> SealedBody

    /// Gives back the payload that `seal` was given.
    ///
    /// - Throws: `EnvelopeError`, when the body is damaged, too large, of another type, or not from `sender`.
    func open(_ body: SealedBody, from sender: MailAddress) throws -> [UInt8]

    /// The most bytes that a sealed body can have for a payload of `payloadBytes` bytes.
    func sealedBytesMax(payloadBytes: Int) -> Int
}

/// A sealed body that could not be made or opened.
public struct EnvelopeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Sendable, Equatable {
        /// The body has a content type that this envelope does not open.
        case unsupportedContentType
        /// The body ends before its data does.
        case truncated
        /// The body is not what it says it is, or was changed on the way.
        case damaged
        /// The payload would be larger than the limit.
        case tooLarge
        /// The machine could not do it, for lack of memory for instance.
        case unavailable
    }

    /// What kind of failure it is.
    public let code: Code
    /// A sentence for people: what failed and what to try.
    public let description: String

    /// Makes an error that says `description`.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
