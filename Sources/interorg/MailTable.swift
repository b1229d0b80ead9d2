import Foundation
import InterOrgServices

/// How mail to one organization goes, for people.
enum MailTable {
    static func text(_ organization: StatusReport.OrganizationStatus) -> String {
        guard let mail = organization.mail else { return "" }
        var text = "mail to \(organization.organization) <\(mail.address)>: "
        text += "last submitted \(mail.lastSubmitted.map(StatusTable.time) ?? "never")"
        if let since = mail.waitingSince {
            let size = mail.waitingBytes.formatted(.byteCount(style: .file))
            text += ", \(mail.waitingMessages) messages (\(size)) wait since \(StatusTable.time(since))"
            if let next = mail.nextAttempt { text += ", tried again at \(StatusTable.time(next))" }
        }
        text += "\n"
        if let failure = mail.failure {
            text += "  \(failure.isPermanent ? "refused" : "not taken") since \(StatusTable.time(failure.since)), "
            text += "\(failure.attempts) attempts: \(failure.error)\n"
        }
        if let notice = mail.notice {
            text += "  \(notice.isFailure ? "came back" : "late") at \(StatusTable.time(notice.last))"
            if notice.count > 1 { text += " (\(notice.count) since \(StatusTable.time(notice.since)))" }
            text += ": \(notice.reason)\n"
        }
        return text
    }
}
