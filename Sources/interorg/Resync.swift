import ArgumentParser
import InterOrgServices

struct Resync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have everything transferred anew, in one direction.",
        discussion: """
            For when two sides do not have the same although nothing is under way. What is equal is not written again.

            Example: interorg resync import --config /etc/interorg/branch-a.yaml
            """,
        subcommands: [Import.self, Export.self])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for everything that the other side has.",
            discussion: """
                A requestor asks its master with its next request. A master asks the named requestors, or all, with its \
                next answers; a requestor of which two copies were alive is believed again.

                Example: interorg resync import branch-a --config /etc/interorg/master.yaml
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The requestors that a master asks.")
        var organizations: [String] = []

        func run() async throws {
            try await reportingFailures {
                let asked = try await Resynchronization.importAll(from: organizations, common.load())
                print("asking \(asked.joined(separator: ", ")) for everything with the next mail")
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send everything that this side has, to everybody.",
            discussion: """
                The directory is read in full. A requestor sends it with its next requests, a master with its next answers.

                Example: interorg resync export --config /etc/interorg/branch-a.yaml
                """)

        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await reportingFailures {
                try await Resynchronization.exportAll(common.load())
                print("sending everything with the next mail")
            }
        }
    }
}
