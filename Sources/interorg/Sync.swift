import ArgumentParser
import InterOrgServices
import Logging

struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Synchronize once, now.",
        discussion: """
            A running agent is asked to; without one the command does it itself and waits for the master's answer.

            Example: interorg sync --config /etc/interorg/branch-a.yaml
            """)

    @OptionGroup var common: CommonOptions

    @Option(parsing: .unconditional, help: "How many seconds to wait for the master's answer.")
    var wait = 60

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many deletions of each organization's entries pass the guard this once, held ones among them.",
            discussion: "If there are more, all of them are held.", valueName: "count"))
    var allowDeletes: Int?

    @Flag(help: "Print what was done as JSON.")
    var json = false

    func validate() throws {
        guard wait >= 0 else { throw ValidationError("--wait takes a number of seconds, 0 or more.") }
        guard allowDeletes ?? 1 >= 1 else { throw ValidationError("--allow-deletes takes a number, 1 or more.") }
    }

    func run() async throws {
        try await reportingFailures {
            let configuration = try common.load()
            let report = try await report(configuration)
            let status = try await StatusReport.read(configuration)
            if json {
                try printJSON(report)
            } else {
                print(
                    "\(report.exported) exported, \(report.imported) imported, \(report.refused) refused, "
                        + "\(report.held) held")
                if status.problems + status.held > 0 {
                    print(
                        "\(status.problems) problems and \(status.held) held changes are left; "
                            + "interorg problems shows them")
                }
            }
            if !report.failures.isEmpty {
                throw Failure(
                    report.isDefect ? .defect : report.needsCorrection ? .usage : .unreachable,
                    report.failures.joined(separator: "\ninterorg: "))
            }
            if status.held > 0 { throw ExitStatus.held.code }
            if status.problems > 0 { throw ExitStatus.problemsLeft.code }
        }
    }

    private func report(_ configuration: Configuration) async throws -> CycleReport {
        if let report = try await RunningAgent.synchronize(configuration, allowedDeletions: allowDeletes) {
            return report
        }
        return try await InterOrgService(configuration, logger: makeLogger(.warning))
            .synchronizeOnce(patience: .seconds(wait), allowedDeletions: allowDeletes)
    }
}
