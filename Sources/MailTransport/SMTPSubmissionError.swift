/// A mail that was not submitted. Nobody has taken responsibility for it, unless the connection was lost just before the
/// server's answer; so a mail that is submitted again may arrive twice.
public struct SMTPSubmissionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Whether trying again can help.
    public enum Kind: Sendable, Equatable {
        /// Trying the same again later may work: no connection, a timeout, or a reply 4xx.
        case transient
        /// Trying the same again will not work: a reply 5xx, wrong credentials, a certificate that is not trusted.
        case permanent
    }

    /// What a server replied (RFC 5321, section 4.2).
    public struct Reply: Sendable, Equatable {
        /// The three digits.
        public let code: Int
        /// The text after them; several lines are joined by spaces.
        public let text: String
    }

    /// Whether trying again can help.
    public let kind: Kind
    /// What was being done, to what.
    public let operation: String
    /// The last thing that the server said; nil if it said nothing.
    public let reply: Reply?
    /// What went wrong, in the words of the library that noticed it.
    public let detail: String
    /// Whether the mail is larger than the server takes: a smaller one may be taken.
    public let isTooLarge: Bool
    /// What to try; nil where that follows from the rest.
    public let advice: String?

    public var description: String {
        var text = "\(operation) failed: \(detail)"
        if let reply { text += "; the server said: \(reply.code) \(reply.text)" }
        if let advice { text += "; \(advice)" }
        return text
    }

    init(
        kind: Kind, operation: String, reply: Reply? = nil, detail: String, isTooLarge: Bool = false,
        advice: String? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.reply = reply
        self.detail = detail
        self.isTooLarge = isTooLarge
        self.advice = advice
    }
}
