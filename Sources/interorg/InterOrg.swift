import ArgumentParser
import Foundation

@main
struct InterOrg: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interorg",
        abstract: "One address book for organizations that share nothing but mail.",
        discussion: """
            Every organization runs one service beside its LDAP directory: one is the master, the others are \
            requestors. Each is described by one YAML file.

            Exit status: 0 done; 1 done, with problems left; 2 wrong use or configuration; 3 a server could not be \
            reached, try again; 4 the guard holds something; 70 a defect of ours. The command receive has those of a \
            mail server's pipe.
            """,
        version: "0.1.0",
        subcommands: [
            Check.self, Run.self, Sync.self, Status.self, Problems.self, Resync.self, Keys.self, Receive.self,
        ])

    /// Wrong use is status 2 here, not ArgumentParser's 64.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch  where exitCode(for: error) == .validationFailure {
            FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
            let isPipe = CommandLine.arguments.dropFirst().first == Receive.configuration.commandName
            Foundation.exit(isPipe ? Receive.usageStatus.rawValue : ExitStatus.usage.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}
