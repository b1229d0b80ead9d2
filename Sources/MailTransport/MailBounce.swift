/// What a mail system reports about a mail that was sent (RFC 3464), as far as the report can be read.
///
/// It is information for people: anybody can send a mail that looks like one.
public struct MailBounce: Sendable, Equatable {
    /// What was done with the mail (RFC 3464, section 2.3.3).
    public enum Action: String, Sendable {
        /// It will not be delivered.
        case failed
        /// It is not delivered yet; the mail system goes on trying.
        case delayed
        /// It was delivered. Not an acknowledgement: nobody has read it.
        case delivered
        /// It was handed to a system that sends no reports.
        case relayed
        /// It was handed to several addresses.
        case expanded
    }

    /// What was done with the mail; nil if the report does not say.
    public let action: Action?
    /// Whom the mail was for; nil if the report does not say.
    public let recipient: String?
    /// The status code, such as `5.1.1` (RFC 3463); nil if the report does not say.
    public let status: String?
    /// What the refusing system said; nil if the report does not say.
    public let diagnostic: String?
    /// The mail that the report is about; nil if the report does not say.
    public let originalMessageID: MessageID?
    /// A sentence for people.
    public let reason: String

    /// A report without a form: a mail with an empty envelope sender.
    init(subject: String?) {
        action = nil
        recipient = nil
        status = nil
        diagnostic = nil
        originalMessageID = nil
        let subject = EncodedWord.decode(subject ?? "").forPeople
        reason = "a mail system sent a notice (the envelope sender is empty); its subject: \(subject)"
    }

    /// Reads a `multipart/report`. What cannot be read is left out.
    init(report: MIMEPart) {
        let parts = (try? report.parts().parts) ?? []
        let fields = Self.recipientFields(of: parts)
        action = fields?.first("action").flatMap { Action(rawValue: $0.lowercased()) }
        recipient = fields?.first("final-recipient").map(Self.withoutType)
        status = fields?.first("status").map(\.forPeople)
        diagnostic = fields?.first("diagnostic-code").map(Self.withoutType)
        originalMessageID = Self.original(in: parts)?.first("message-id").flatMap { try? MessageID($0) }

        var reason = "a mail system reports: \(action?.rawValue ?? "delivery problem")"
        if let recipient { reason += " for \(recipient)" }
        if let status { reason += ", status \(status)" }
        if let diagnostic { reason += ", it was told: \(diagnostic)" }
        self.reason = reason
    }

    /// The fields about the first recipient that failed, or else about the first recipient. The fields about the mail as
    /// a whole come before them (RFC 3464, section 2.1).
    private static func recipientFields(of parts: [MIMEPart]) -> HeaderSection? {
        let statusType = "message/delivery-status"
        guard let body = try? parts.first(where: { $0.mediaType?.name == statusType })?.decodedBody() else {
            return nil
        }
        var rest = body[...]
        var recipients: [HeaderSection] = []
        while !rest.isEmpty, let (section, _) = try? HeaderSection.take(from: &rest) {
            if section.first("final-recipient") != nil || section.first("action") != nil { recipients.append(section) }
        }
        return recipients.first { $0.first("action")?.lowercased() == Action.failed.rawValue } ?? recipients.first
    }

    /// The header section of the mail that the report is about.
    private static func original(in parts: [MIMEPart]) -> HeaderSection? {
        let types = ["message/rfc822", "text/rfc822-headers"]
        guard let body = try? parts.first(where: { types.contains($0.mediaType?.name ?? "") })?.decodedBody() else {
            return nil
        }
        var rest = body[...]
        return (try? HeaderSection.take(from: &rest))?.0
    }

    /// `rfc822; a@b` without the type in front (RFC 3464, section 2.1.2).
    private static func withoutType(_ value: String) -> String {
        let parts = value.split(separator: ";", maxSplits: 1)
        return (parts.count == 2 ? parts[1].trimmingSpaces() : value).forPeople
    }
}
