import ArgumentParser
import Foundation
import InterOrgServices
import SQLiteStore

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how the exchange stands.",
        discussion: "Example: interorg status --config /etc/interorg/branch-a.yaml --json")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await reportingFailures {
            let report = try await StatusReport.read(common.load())
            if json {
                try printJSON(report)
            } else {
                print(TerminalText.lines(StatusTable.text(report)), terminator: "")
            }
            let mails = report.organizations.compactMap(\.mail)
            if !report.failures.isEmpty || mails.contains(where: { $0.failure?.isPermanent == false }) {
                throw ExitStatus.unreachable.code
            }
            if report.held > 0 { throw ExitStatus.held.code }
            if report.problems > 0 || mails.contains(where: \.needsCorrection) {
                throw ExitStatus.problemsLeft.code
            }
        }
    }
}

/// A status report for people.
enum StatusTable {
    static func text(_ report: StatusReport) -> String {
        var text = "\(report.organization) (\(report.role))\n"
        if let sequence = report.exportSequence {
            text += "  master database imported up to USN \(report.highestUSN)\n"
            text += "  export sequence \(sequence), acknowledged up to \(report.exportAcknowledged ?? 0)\n"
        } else {
            text += "  highest USN \(report.highestUSN)\n"
        }
        text += "  \(report.problems) problems, \(report.held) changes held, \(report.parkedMails) mails parked\n\n"
        text += table(report)
        if let date = report.restoredAt {
            let awaited = report.organizations.filter { $0.isAwaited == true }.map(\.organization)
            text += """
                restored from a backup, as was noticed on \(time(date)): nothing is deleted because it is missing here, \
                until all is known again of \(awaited.isEmpty ? "everybody" : awaited.joined(separator: ", "))

                """
        }
        for organization in report.organizations { text += notes(organization) }
        for organization in report.organizations { text += MailTable.text(organization) }
        for export in report.exports {
            text += "exports \(export.base): changes by \(export.changes ?? "nothing yet")"
            text += ", last compared as a whole \(export.auditedAt.map(time) ?? "never")\n"
        }
        for entry in report.displaced {
            text +=
                "\(TerminalText.line(entry.entry ?? entry.entryUUID)) stands at \(entry.dn): another entry has \(entry.wantedDN)\n"
        }
        if report.displacedEntries > report.displaced.count {
            text += "and \(report.displacedEntries - report.displaced.count) more whose names other entries have\n"
        }
        for warning in report.keyWarnings { text += "warning: \(warning)\n" }
        if !report.isSealed { text += "mail is neither signed nor encrypted (insecure: true)\n" }
        for failure in report.failures { text += "failing since \(time(failure.since)): \(failure.failure)\n" }
        if report.unreadMails > 0 { text += "\(report.unreadMails) mails have come and are not dealt with yet\n" }
        for mail in report.refusedMails { text += line(mail) }
        return text
    }

    private static func notes(_ organization: StatusReport.OrganizationStatus) -> String {
        let name = organization.organization
        var text = ""
        if organization.hasLeft == true {
            text += "\(name) is not in exchange.requestors any more: its entries are being deleted\n"
        }
        if organization.isDoubled == true {
            text += """
                two copies of \(name)'s service are alive and neither is heard: stop one of them, then say \
                interorg resync import \(name)

                """
        }
        if let date = organization.divergedAt {
            text += "\(name)'s entries differed here on \(time(date)); everything was transferred anew\n"
        }
        return text
    }

    private static func line(_ mail: StatusReport.RefusedMail) -> String {
        let what =
            switch mail.kind {
            case .refused: "refused mail"
            case .bounce: "bounce"
            case .automaticReply: "automatic reply"
            }
        let times = mail.count > 1 ? " (\(mail.count) times)" : ""
        return
            "\(what) of \(time(mail.at)) from \(mail.sender.isEmpty ? "nobody" : mail.sender)\(times): \(mail.reason)\n"
    }

    private static func table(_ report: StatusReport) -> String {
        let columns: [(title: String, value: (StatusReport.OrganizationStatus) -> String?)] = [
            ("ORGANIZATION", { $0.organization }), ("ENTRIES", { "\($0.entries)" }), ("PROBLEMS", { "\($0.problems)" }),
            ("HELD", { "\($0.held)" }), ("HIGHEST USN", { number($0.highestUSN) }),
            ("ACKNOWLEDGED", { number($0.acknowledgedUSN) }), ("EXPORT SEQUENCE", { number($0.exportSequence) }),
            ("ACKNOWLEDGED", { number($0.exportAcknowledged) }), ("LAST HEARD", { $0.lastHeard.map(time) }),
            ("LAST SENT", { $0.lastSent.map(time) }),
        ]
        // What nobody has a value for is the other role's matter, or nothing to worry about.
        let shown = columns.filter { column in report.organizations.contains { column.value($0) != nil } }
        let rows =
            [shown.map(\.title)]
            + report.organizations.map { organization in shown.map { $0.value(organization) ?? "-" } }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
            return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces) + "\n"
        }.joined()
    }

    private static func number(_ number: Int64?) -> String? { number.map { "\($0)" } }

    static func time(_ date: Date) -> String {
        date.formatted(
            .iso8601.year().month().day().dateSeparator(.dash).time(includingFractionalSeconds: false)
                .timeSeparator(.colon).dateTimeSeparator(.space))
    }
}
