import ArgumentParser
import Foundation
import InterOrgServices

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
                print(StatusTable.text(report), terminator: "")
            }
            if report.held > 0 { throw ExitStatus.held.code }
            if report.problems > 0 { throw ExitStatus.problemsLeft.code }
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
        text += "  \(report.problems) problems, \(report.held) deletions held, \(report.parkedMails) mails parked\n\n"
        text += table(report)
        for mail in report.refusedMails {
            text +=
                "refused mail of \(time(mail.at)) from \(mail.sender.isEmpty ? "nobody" : mail.sender): \(mail.reason)\n"
        }
        return text
    }

    private static func table(_ report: StatusReport) -> String {
        var rows = [
            [
                "ORGANIZATION", "ENTRIES", "USN", "HAS USN", "SEQUENCE", "RECEIVED", "LAST HEARD", "LAST SENT",
                "OUTGOING",
            ]
        ]
        for organization in report.organizations {
            rows.append([
                organization.organization, "\(organization.entries)", number(organization.highestUSN),
                number(organization.receivedUSN), number(organization.exportSequence),
                number(organization.exportAcknowledged), organization.lastHeard.map(time) ?? "-",
                organization.lastSent.map(time) ?? "-",
                organization.outgoingMessages == 0
                    ? "-" : "\(organization.outgoingMessages) waiting: \(organization.outgoingError ?? "")",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }
            return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces) + "\n"
        }.joined()
    }

    private static func number(_ number: Int64?) -> String { number.map { "\($0)" } ?? "-" }

    private static func time(_ date: Date) -> String {
        date.formatted(
            .iso8601.year().month().day().dateSeparator(.dash).time(includingFractionalSeconds: false)
                .timeSeparator(.colon).dateTimeSeparator(.space))
    }
}
