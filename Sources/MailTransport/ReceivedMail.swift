/// A mail that a `MailListener` received, for one recipient.
public struct ReceivedMail: Sendable, Equatable {
    /// The envelope sender; nil if it was empty, as it is for bounces.
    public let sender: MailAddress?
    /// The recipient that it is for, one of those that the listener accepts.
    public let recipient: MailAddress
    /// The whole mail as it was sent, without the doubled dots of SMTP; lines end with CRLF, unless the sender broke the
    /// rules.
    public let bytes: [UInt8]

    /// Makes a received mail, for mail that came another way than through a listener.
    public init(sender: MailAddress?, recipient: MailAddress, bytes: [UInt8]) {
        self.sender = sender
        self.recipient = recipient
        self.bytes = bytes
    }
}

/// Thrown where a mail is delivered, to refuse it for good: the sending system then tells its sender (reply 554).
public struct MailRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why, for the administrator at the other side. It leaves the machine: no secrets.
    public let reason: String

    public var description: String { "the mail is refused: \(reason)" }

    /// Refuses a mail for `reason`.
    public init(reason: String) {
        self.reason = reason
    }
}
