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

    /// Every address that the report names as one that the mail was for.
    public let addresses: [String]

    /// A report without a form, such as qmail and old versions of exim write: from its text whatever can be found there.
    /// What cannot be read is left out.
    init(_ mail: MIMEPart) {
        let text = BounceText(mail)
        let parts = mail.mediaType?.isMultipart == true ? (try? mail.parts().parts) ?? [] : []
        action = text.isAboutDelay ? .delayed : nil
        addresses = text.addresses
        recipient = addresses.first?.forPeople
        status = text.status
        diagnostic = text.diagnostic
        originalMessageID =
            Self.original(in: parts)?.first("message-id").flatMap { try? MessageID($0) } ?? text.originalMessageID
            ?? Self.answered(by: mail)
        reason =
            Self.reason(action, recipient, status, diagnostic)
            + (diagnostic == nil ? mail.subjectForPeople : "")
    }

    /// Reads a `multipart/report`, which `mail` is or has inside. What cannot be read is left out.
    init(_ mail: MIMEPart, report: MIMEPart) {
        let parts = (try? report.parts().parts) ?? []
        let (about, fields) = Self.deliveryStatus(of: parts)
        action = fields?.first("action").flatMap { Action(rawValue: $0.lowercased()) }
        let final = fields?.first("final-recipient").map(Self.withoutType)
        let original = fields?.first("original-recipient").map(Self.withoutType)
        addresses = [original, final].compactMap { $0 }
        recipient = final ?? original
        status = fields?.first("status").map(\.forPeople)
        diagnostic = fields?.first("diagnostic-code").map(Self.withoutType)
        let named =
            [about, fields].compactMap { $0?.first("original-message-id") }
            + [Self.original(in: parts)?.first("message-id")].compactMap { $0 }
        originalMessageID =
            named.lazy.compactMap { try? MessageID($0.trimmingSpaces()) }.first ?? Self.answered(by: mail)
        reason = Self.reason(action, recipient, status, diagnostic)
    }

    private static func reason(
        _ action: Action?, _ recipient: String?, _ status: String?, _ diagnostic: String?
    ) -> String {
        var reason = "a mail system reports: \(action?.rawValue ?? "delivery problem")"
        if let recipient { reason += " for \(recipient)" }
        if let status { reason += ", status \(status)" }
        if let diagnostic { reason += ", it was told: \(diagnostic)" }
        return reason
    }

    /// The fields about the mail as a whole, and those about the first recipient that failed, or else about the first
    /// recipient. Those about the mail come first (RFC 3464, section 2.1).
    private static func deliveryStatus(
        of parts: [MIMEPart]
    ) -> (about: HeaderSection?, recipient: HeaderSection?) {
        let statusTypes = ["message/delivery-status", "message/global-delivery-status"]
        guard let body = try? parts.first(where: { statusTypes.contains($0.mediaType?.name ?? "") })?.decodedBody()
        else { return (nil, nil) }
        var rest = body[...]
        var about: HeaderSection?
        var recipients: [HeaderSection] = []
        while !rest.isEmpty, let (section, _) = try? HeaderSection.take(from: &rest) {
            if section.first("final-recipient") != nil || section.first("action") != nil {
                recipients.append(section)
            } else if about == nil {
                about = section
            }
        }
        let failed = recipients.first { $0.first("action")?.lowercased() == Action.failed.rawValue }
        return (about, failed ?? recipients.first)
    }

    /// The header section of the mail that the report is about.
    private static func original(in parts: [MIMEPart]) -> HeaderSection? {
        let types = ["message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"]
        guard let body = try? parts.first(where: { types.contains($0.mediaType?.name ?? "") })?.decodedBody() else {
            return nil
        }
        var rest = body[...].drop { $0 == 0x0D || $0 == 0x0A }
        return (try? HeaderSection.take(from: &rest))?.0
    }

    /// The mail that the report says it answers, as Exchange does.
    private static func answered(by mail: MIMEPart) -> MessageID? {
        ["in-reply-to", "references"].lazy.compactMap { mail.header.first($0)?.split(separator: " ").last }
            .compactMap { try? MessageID(String($0)) }.first
    }

    /// `rfc822; a@b` without the type in front (RFC 3464, section 2.1.2).
    private static func withoutType(_ value: String) -> String {
        let parts = value.split(separator: ";", maxSplits: 1)
        return (parts.count == 2 ? parts[1].trimmingSpaces() : value).forPeople
    }
}
