import Foundation

/// A mail that carries an exchange message, as it arrived.
public struct ExchangeMail: Sendable, Equatable {
    /// Who the mail says it is from. A claim: the envelope that opens `body` judges it.
    public let from: MailAddress
    /// The identity of the mail; nil if a system on the way has spoiled it.
    public let messageID: MessageID?
    /// The mail that this one answers, if it says so.
    public let inReplyTo: MessageID?
    /// When the mail says it was composed, if it says so in a way that can be read.
    public let date: Date?
    /// A line for people.
    public let subject: String
    /// What it carries, without transfer encoding.
    public let body: SealedBody
}

/// What a mail that arrived turns out to be.
///
/// Only an `exchange` mail is ever taken for a message of the other side. Whatever else comes to a mailbox (bounces,
/// answering machines, advertisements) is told apart with a reason that can be shown to people.
public enum MailReading: Sendable, Equatable {
    /// A message of the exchange, still sealed.
    case exchange(ExchangeMail)
    /// A mail system reports what became of a mail: never an answer and never an acknowledgement.
    case bounce(MailBounce)
    /// A machine answered for a person, an absence notice for instance (RFC 3834).
    case automaticReply(reason: String)
    /// A mailing list has sent it (RFC 2919, RFC 2369).
    case listMail(reason: String)
    /// Any other mail.
    case unrelated(reason: String)

    /// Reads a mail that a `MailListener` received.
    ///
    /// - Parameter contentTypes: the media types of exchange messages: an envelope's `acceptedContentTypes`.
    /// - Throws: `MailFormatError`, if the mail is damaged or cut off.
    public init(_ mail: ReceivedMail, contentTypes: Set<String>) throws(MailFormatError) {
        try self.init(mail.bytes, envelopeSender: mail.sender, contentTypes: contentTypes)
    }

    /// Reads the bytes of a mail, with line ends of CRLF or LF.
    ///
    /// - Parameters:
    ///   - envelopeSender: the reverse-path of SMTP; nil if it was empty, as it is for bounces (RFC 5321, section 4.5.5).
    ///   - contentTypes: the media types of exchange messages, lower case.
    /// - Throws: `MailFormatError`, if the mail is damaged or cut off.
    public init(
        _ bytes: [UInt8],
        envelopeSender: MailAddress?,
        contentTypes: Set<String>
    ) throws(MailFormatError) {
        let mail = try MIMEPart(bytes[...])
        let part = try mail.first { contentTypes.contains($0.mediaType?.name ?? "") }
        let origin = MailOrigin(mail.header)
        // Bounces first: they often have the original mail inside, with our content type.
        if let report = try mail.first(where: { $0.mediaType?.name == "multipart/report" }) {
            self = Self.report(report, in: mail)
        } else if origin.isMailSystem || envelopeSender == nil && (part != nil || origin.automaticReply == nil) {
            self = .bounce(MailBounce(mail))
        } else if let part {
            self = .exchange(try ExchangeMail(mail: mail, part: part))
        } else if let reason = origin.automaticReply {
            self = .automaticReply(reason: reason + mail.subjectForPeople)
        } else if let reason = origin.list {
            self = .listMail(reason: reason + mail.subjectForPeople)
        } else {
            let type = mail.contentType.forPeople
            self = .unrelated(reason: "its content type is \(type), not that of the exchange\(mail.subjectForPeople)")
        }
    }

    /// What a `multipart/report` is about (RFC 6522).
    private static func report(_ report: MIMEPart, in mail: MIMEPart) -> MailReading {
        switch report.mediaType?.parameter("report-type")?.lowercased() {
        case "disposition-notification":
            .automaticReply(reason: "it is a notice that a mail was read or removed\(mail.subjectForPeople)")
        case let type? where type != "delivery-status":
            .unrelated(reason: "it is a report of another kind, \(type.forPeople)\(mail.subjectForPeople)")
        default: .bounce(MailBounce(mail, report: report))
        }
    }
}

extension ExchangeMail {
    /// Takes the fields of `mail` and the body of `part`, which is `mail` itself or stands inside it.
    init(mail: MIMEPart, part: MIMEPart) throws(MailFormatError) {
        guard let author = try mail.header.only("from") else {
            throw MailFormatError(.malformed, "the mail does not say who it is from")
        }
        from = try Self.address(in: author)
        messageID = (try mail.header.only("message-id")).flatMap { try? MessageID($0) }
        inReplyTo = mail.header.first("in-reply-to").flatMap { try? MessageID($0) }
        date = mail.header.first("date").flatMap { RFC5322Date.date($0) }
        subject = EncodedWord.decode(mail.header.first("subject") ?? "").forPeople
        body = SealedBody(contentType: part.contentType, bytes: try part.decodedBody())
    }

    /// The address of one author: `a@b`, `Name <a@b>` or `a@b (Name)` (RFC 5322, section 3.4).
    static func address(in author: String) throws(MailFormatError) -> MailAddress {
        var plain = ""
        var bracketed: String?
        var isQuoted = false
        var isEscaped = false
        var commentDepth = 0
        for character in author {
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"", commentDepth == 0 {
                isQuoted.toggle()
            } else if isQuoted {
                continue
            } else if character == "(" {
                commentDepth += 1
            } else if character == ")" {
                commentDepth -= 1
            } else if commentDepth > 0 {
                continue
            } else if character == "<" {
                guard bracketed == nil else { break }
                bracketed = ""
            } else if character == ">" {
                break
            } else if bracketed != nil {
                bracketed?.append(character)
            } else {
                plain.append(character)
            }
        }
        return try MailAddress((bracketed ?? plain).trimmingSpaces())
    }
}
