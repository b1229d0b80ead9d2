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
        if let path = header?.first("return-path") {
            envelopeSender = Self.envelopeSender(path)
        } else {
            envelopeSender = author?.text ?? ""
        }
    }

    /// An envelope sender as mail systems write it: with or without angle brackets, empty or `MAILER-DAEMON` for bounces.
    public static func envelopeSender(_ text: String) -> String {
        var text = text.trimmingSpaces()
        if text.first == "<", text.last == ">" { text = String(text.dropFirst().dropLast()) }
        return text.uppercased() == "MAILER-DAEMON" ? "" : text.forPeople
    }
}
