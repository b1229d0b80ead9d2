import AddressBook
import ArgumentParser
import Foundation
import InterOrgServices
import SQLiteStore

struct Problems: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the entries that could not be imported and the deletions that are held.",
        discussion: "Example: interorg problems --config /etc/interorg/branch-a.yaml",
        subcommands: [List.self, Release.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List them, the oldest first.",
            discussion: "Example: interorg problems list --config /etc/interorg/branch-a.yaml --json")

        @OptionGroup var common: CommonOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await reportingFailures {
                let problems = try await ProblemReport.read(common.load())
                if json {
                    try printJSON(problems)
                } else if problems.isEmpty {
                    print("no problems")
                } else {
                    for problem in problems { print(problem.text) }
                }
                if problems.contains(where: \.isHeld) { throw ExitStatus.held.code }
                if !problems.isEmpty { throw ExitStatus.problemsLeft.code }
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let held deletions happen, in the next cycle.",
            discussion: """
                Example: interorg problems release --config /etc/interorg/branch-a.yaml --all
                """)

        @OptionGroup var common: CommonOptions

        @Flag(help: "Release every held deletion.")
        var all = false

        @Argument(help: "The entryUUIDs of the entries whose deletion is released.")
        var entries: [String] = []

        func validate() throws {
            guard all != !entries.isEmpty else { throw ValidationError("Name the entries, or say --all.") }
            for entry in entries where UUID(uuidString: entry) == nil {
                throw ValidationError("'\(entry)' is not an entryUUID; interorg problems shows them.")
            }
        }

        func run() async throws {
            try await reportingFailures {
                let uuids = all ? nil : Set(entries.compactMap { UUID(uuidString: $0) })
                let count = try await ProblemReport.release(uuids, common.load())
                print("released \(count) deletions; they happen in the next cycle")
                if let uuids, count < uuids.count {
                    throw Failure(.usage, "\(uuids.count - count) of the named entries have no held deletion")
                }
            }
        }
    }
}
