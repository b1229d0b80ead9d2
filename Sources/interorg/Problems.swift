import AddressBook
import ArgumentParser
import Foundation
import InterOrgServices
import SQLiteStore

struct Problems: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the entries that could not be imported and the changes that are held.",
        discussion: "Example: interorg problems --config /etc/interorg/branch-a.yaml",
        subcommands: [List.self, Retry.self, Release.self, Refuse.self], defaultSubcommand: List.self)

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
                    for problem in problems where !problem.isKept { print(TerminalText.line(problem.text)) }
                    let kept = problems.filter(\.isKept)
                    if !kept.isEmpty { print("refused by a person, the entries stay as they are:") }
                    for problem in kept { print(TerminalText.line(problem.text)) }
                }
                if problems.contains(where: \.isHeld) { throw ExitStatus.held.code }
                if !problems.allSatisfy(\.isKept) { throw ExitStatus.problemsLeft.code }
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try entries that could not be imported again, in the next cycle.",
            discussion: """
                Without entries, all of them. What is held waits for release or refuse.

                Example: interorg problems retry --config /etc/interorg/branch-a.yaml
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The entryUUIDs of the entries.")
        var entries: [String] = []

        func validate() throws { try requireUUIDs(entries) }

        func run() async throws {
            try await reportingFailures {
                let uuids = entries.isEmpty ? nil : Set(entries.compactMap { UUID(uuidString: $0) })
                let count = try await ProblemReport.retry(uuids, common.load())
                print("\(count) problems are tried again in the next cycle; interorg sync runs one now")
                try requireAll(uuids, count, lack: "have no problem that could be tried again")
            }
        }
    }

    /// What is decided on.
    struct Choice: ParsableArguments {
        @Flag(help: "Everything held that has not been decided on.")
        var all = false

        @Argument(help: "The entryUUIDs of the entries that are decided on.")
        var entries: [String] = []

        /// Nil for all.
        var uuids: Set<UUID>? { all ? nil : Set(entries.compactMap { UUID(uuidString: $0) }) }

        func validate() throws {
            guard all != !entries.isEmpty else { throw ValidationError("Name the entries, or say --all.") }
            try requireUUIDs(entries)
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let held deletions and changes happen, in the next cycle.",
            discussion: """
                An entry that is named may be one that was refused before.

                Example: interorg problems release --config /etc/interorg/branch-a.yaml --all
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        func run() async throws {
            try await reportingFailures {
                let count = try await ProblemReport.release(choice.uuids, common.load())
                print("released \(count) deletions or changes; they happen in the next cycle")
                try requireAll(choice.uuids, count, lack: "have nothing that is held")
            }
        }
    }

    struct Refuse: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse held deletions and changes: the entries stay as they are.",
            discussion: """
                That ends when their source has them again, or the emptied field, or when they are released after all.

                Example: interorg problems refuse --config /etc/interorg/branch-a.yaml --all
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var choice: Choice

        func run() async throws {
            try await reportingFailures {
                let count = try await ProblemReport.refuse(choice.uuids, common.load())
                print("refused \(count) deletions or changes; the entries stay as they are")
                try requireAll(choice.uuids, count, lack: "have nothing that is held")
            }
        }
    }
}

private func requireUUIDs(_ entries: [String]) throws {
    for entry in entries where UUID(uuidString: entry) == nil {
        throw ValidationError("'\(entry)' is not an entryUUID; interorg problems shows them.")
    }
}

private func requireAll(_ uuids: Set<UUID>?, _ count: Int, lack: String) throws {
    guard let uuids, count < uuids.count else { return }
    throw Failure(.usage, "\(uuids.count - count) of the named entries \(lack)")
}
