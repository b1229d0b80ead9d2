import Foundation

/// A mail that carries one exchange message, ready to be composed (RFC 5322 and RFC 2045).
///
/// Every value is checked before it gets here, so that no value can start a header field or a body of its own.
public struct MailMessage: Sendable, Equatable {
    /// Why the mail was sent without a person (RFC 3834, section 5).
    public enum AutoSubmitted: String, Sendable {
        /// It was sent on a schedule.
        case generated = "auto-generated"
        /// It answers another mail.
        case replied = "auto-replied"
    }

    /// Who the mail says it is from. A claim, not a proof.
    public let from: MailAddress
    /// Who it is for.
    public let to: MailAddress
    /// A line for people who look at mail queues.
    public let subject: String
    /// When it was composed; written in UTC with whole seconds.
    public let date: Date
    /// The identity of this mail.
    public let messageID: MessageID
    /// The mail that this one answers.
    public let inReplyTo: MessageID?
    /// Why the mail was sent.
    public let autoSubmitted: AutoSubmitted
    /// What it carries.
    public let body: SealedBody

    /// Makes a message.
    ///
    /// - Throws: `MailFormatError` with code `invalidValue`, if the subject or the content type has control characters
    ///   or is longer than 320 bytes.
    public init(
        from: MailAddress,
        to: MailAddress,
        subject: String,
        date: Date,
        messageID: MessageID,
        inReplyTo: MessageID? = nil,
        autoSubmitted: AutoSubmitted,
        body: SealedBody
    ) throws(MailFormatError) {
        try Self.check(subject, as: "subject")
        try Self.check(body.contentType, as: "content type")
        guard MediaType(body.contentType) != nil, body.contentType.utf8.allSatisfy({ $0 < 0x7F }) else {
            throw MailFormatError(.invalidValue, "\"\(body.contentType.forPeople)\" is not a content type")
        }
        self.from = from
        self.to = to
        self.subject = subject
        self.date = date
        self.messageID = messageID
        self.inReplyTo = inReplyTo
        self.autoSubmitted = autoSubmitted
        self.body = body
    }

    private static func check(_ value: String, as what: String) throws(MailFormatError) {
        guard value.utf8.count <= valueBytesMax else {
            throw MailFormatError(
                .invalidValue,
                "the \(what) of a mail has \(value.utf8.count) bytes; at most \(valueBytesMax) are allowed"
            )
        }
        guard value.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw MailFormatError(.invalidValue, "the \(what) of a mail has control characters: \"\(value.forPeople)\"")
        }
    }

    static let valueBytesMax = 320
}
