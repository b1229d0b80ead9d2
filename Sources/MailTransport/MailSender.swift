/// Who a mail says it is from, read from its header section alone.
public struct MailSender: Sendable, Equatable {
    /// The author (`From`); nil if there is none that can be read. A claim, not a proof.
    public let author: MailAddress?
    /// The envelope sender as the delivering system has noted it (`Return-Path`, RFC 5321, section 4.4), empty for
    /// bounces; without such a field, the author.
    public let envelopeSender: String

    /// Reads the header section of a mail. What cannot be read is left out.
    public init(of mail: [UInt8]) {
        var rest = mail[...]
        let header = (try? HeaderSection.take(from: &rest))?.0
        author = header?.first("from").flatMap { try? ExchangeMail.address(in: $0) }
        envelopeSender = Self.envelopeSender(noted: header?.first("return-path"), author: author)
    }

    /// The envelope sender, where the delivering system has said it in another way.
    ///
    /// - Parameter noted: with or without angle brackets; empty or `MAILER-DAEMON` for bounces; nil: not said.
    public func envelopeSender(noted: String?) -> String {
        noted.map { Self.envelopeSender(noted: $0, author: author) } ?? envelopeSender
    }

    private static func envelopeSender(noted: String?, author: MailAddress?) -> String {
        let standard = author?.text ?? ""
        guard var text = noted?.trimmingSpaces() else { return standard }
        if text.first == "<", text.last == ">" { text = String(text.dropFirst().dropLast()) }
        if text.isEmpty || text.uppercased() == "MAILER-DAEMON" { return "" }
        // Forwarders make addresses that are longer than any should be: that makes no bounce of the mail.
        return (try? MailAddress(text))?.text ?? standard
    }
}
