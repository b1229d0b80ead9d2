import Foundation

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

/// What a sealed body held, and who is speaking.
public struct OpenedBody: Sendable, Equatable {
    /// The ID of the peer that sealed it.
    public let speaker: UUID
    /// What `seal` was given.
    public let payload: [UInt8]

    public init(speaker: UUID, payload: [UInt8]) {
        self.speaker = speaker
        self.payload = payload
    }
}

/// Another organization, as an envelope knows it.
public struct EnvelopePeer: Sendable {
    /// The identity of the organization.
    public let id: UUID
    /// The address that mail goes to and comes from.
    public let address: MailAddress
    /// Its certificates that are trusted as they are.
    public let certificates: [Certificate]
    /// How mail to it is encrypted; nil: as it says that it can be.
    public let cipher: ContentCipher?

    public init(id: UUID, address: MailAddress, certificates: [Certificate] = [], cipher: ContentCipher? = nil) {
        self.id = id
        self.address = address
        self.certificates = certificates
        self.cipher = cipher
    }
}

/// What protects a payload on its way through mail systems: compression, and where it is called for, signature and
/// encryption. It is made with the peers of the exchange.
///
/// An envelope is the only judge of who is speaking. `InsecureEnvelope` believes the address of the sender;
/// `SMIMEEnvelope` (RFC 8551) believes only what is signed.
public protocol SealedEnvelope: Sendable {
    /// The media types, lower case and without parameters, of the bodies that `open` understands.
    var acceptedContentTypes: Set<String> { get }

    /// Seals `payload` so that `peer` can open it.
    ///
    /// - Parameter ciphers: what the peer has said that it can decrypt; nil if it has said nothing yet.
    /// - Throws: `EnvelopeError`, when the payload cannot be sealed for this peer.
    func seal(_ payload: [UInt8], to peer: UUID, ciphers: Set<ContentCipher>?) throws -> SealedBody

    /// Gives back the payload that `seal` was given, and says who sealed it.
    ///
    /// - Parameter claimed: the address that the mail says it is from.
    /// - Throws: `EnvelopeError`, when the body is damaged, too large, of another type, or from no peer.
    func open(_ body: SealedBody, from claimed: MailAddress) throws -> OpenedBody

    /// The most bytes that a sealed body can have for a payload of `payloadBytes` bytes.
    func sealedBytesMax(payloadBytes: Int) -> Int
}

extension SealedEnvelope {
    /// Seals `payload` for a peer that has not said yet what it can decrypt.
    public func seal(_ payload: [UInt8], to peer: UUID) throws -> SealedBody {
        try seal(payload, to: peer, ciphers: nil)
    }
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
        /// It is not encrypted, not signed, or signed more than once.
        case unprotected
        /// It is encrypted to others only, or was meant for another organization.
        case notForUs
        /// Nobody that is known has sealed it, or it is to be sealed for nobody that is known.
        case unknownPeer
        /// The certificate that it was sealed with, or is to be sealed for, is not valid now.
        case invalidCertificate
        /// The signature does not fit.
        case badSignature
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
