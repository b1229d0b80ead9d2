/// Who or what has written a mail, as far as its header section says.
struct MailOrigin {
    /// A mail system itself has written it.
    let isMailSystem: Bool
    /// Why it is an automatic reply; nil if nothing says so.
    let automaticReply: String?
    /// Why it is mail of a list; nil if nothing says so.
    let list: String?

    static let systemNames = ["mailer-daemon", "postmaster", "mail-daemon", "mailer_daemon"]
    /// What answering machines put into their mail that don't know RFC 3834.
    private static let replyFields = ["x-autoreply", "x-autorespond", "x-autoreply-from", "x-vacation"]
    private static let listFields = ["list-id", "list-post", "list-unsubscribe", "x-mailing-list"]

    init(_ header: HeaderSection) {
        let from = header.first("from")?.lowercased() ?? ""
        isMailSystem =
            header.first("x-failed-recipients") != nil
            || Self.systemNames.contains { from.hasPrefix("\($0)@") || from.contains("<\($0)@") || from == $0 }
        let precedence = header.first("precedence")?.lowercased() ?? ""
        let isAnswer = header.first("in-reply-to") != nil || header.first("references") != nil

        // Ours are generated as well: the keyword is looked at where there is no message of ours.
        if let keyword = header.first("auto-submitted"), keyword.lowercased() != "no" {
            automaticReply = "it says \"Auto-Submitted: \(keyword.forPeople)\""
        } else if let name = Self.replyFields.first(where: { header.first($0) != nil }) {
            automaticReply = "it has a field \"\(name)\""
        } else if precedence == "auto_reply" || isAnswer && ["bulk", "junk"].contains(precedence) {
            automaticReply = "it says \"Precedence: \(precedence)\""
        } else {
            automaticReply = nil
        }
        if let name = Self.listFields.first(where: { header.first($0) != nil }) {
            list = "it has a field \"\(name): \(header.first(name)?.forPeople ?? "")\""
        } else if ["list", "bulk", "junk"].contains(precedence) {
            list = "it says \"Precedence: \(precedence)\""
        } else {
            list = nil
        }
    }
}

extension MIMEPart {
    /// The end of a sentence about a mail: its subject.
    var subjectForPeople: String { "; its subject: \(EncodedWord.decode(header.first("subject") ?? "").forPeople)" }
}
