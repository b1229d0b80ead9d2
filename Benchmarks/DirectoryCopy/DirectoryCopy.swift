import AddressBook
import ArgumentParser
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore

/// One directory into another, by the parts that the services use: read, map, plan and write, with a state on disk.
/// `scripts/bench directory` compares it with others that do the same.
@main
struct DirectoryCopy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Synchronize one directory into another; for scripts/bench directory.",
        discussion: "Prints one JSON object for each round: seconds, entries read and imported, and the peak memory.")

    @Option(help: "URL of the source.") var from: String
    @Option(help: "DN that reads it.") var fromBind: String
    @Option(help: "File with its password.") var fromPasswordFile: String
    @Option(help: "DN below which everything is read.") var base: String
    @Option(help: "URL of the destination.") var to: String
    @Option(help: "DN that writes it.") var toBind: String
    @Option(help: "File with its password.") var toPasswordFile: String
    @Option(help: "DN below which everything is written.") var importBase: String
    @Option(help: "File for the state; made if it is not there.") var state: String
    @Option(help: "How often, one after the other.") var rounds = 1
    @Option(help: "Whether large batches are written in transactions: never or auto.") var transactions = "never"

    private static let source = OrganizationID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1)))
    private static let destination = OrganizationID(
        UUID(uuid: (1, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 2)))

    func run() async throws {
        let store = try ServiceStore(path: state)
        for _ in 0..<rounds {
            let begin = ContinuousClock.now
            let report = try await agent(store).synchronize()
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            let result = RoundResult(
                seconds: seconds, read: report.read, imported: report.imported, refused: report.refused,
                held: report.held, peakMemoryBytes: try peakMemoryBytes())
            print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
        }
    }

    private struct RoundResult: Encodable {
        var seconds: Double
        var read: Int
        var imported: Int
        var refused: Int
        var held: Int
        var peakMemoryBytes: Int
    }

    private func agent(_ store: ServiceStore) async throws -> Agent {
        let strays = StrayEntries()
        return Agent(
            hierarchy: try await synchronizer(.hierarchy, store, strays),
            contents: try await synchronizer(.contents, store, strays))
    }

    private func synchronizer(
        _ stream: ChangeStream, _ store: ServiceStore, _ strays: StrayEntries
    ) async throws -> Synchronizer {
        let state = try await StoredSynchronizationState.open(
            "copy", stream, SynchronizationEnds(source: "source", destination: "destination"), in: store)
        let importBase = try LDAPDN(importBase)
        let source = DirectorySource(
            DirectoryAccess(
                connection: try options(from, fromBind, fromPasswordFile), mapping: .inetOrgPerson,
                organization: Self.source, importBase: nil),
            base: try LDAPDN(base), userFilter: nil, stream: stream, index: state.sourceIndex,
            audit: AuditSchedule(every: .seconds(86_400), now: { Date() }), newRefresh: { RefreshID(UUID()) })
        let collector = DirectoryCollector(
            DirectoryAccess(
                connection: try options(to, toBind, toPasswordFile), mapping: .inetOrgPerson,
                organization: Self.destination, importBase: importBase),
            ImportRules(base: importBase, transactions: transactions == "auto" ? .auto : .never),
            index: state.destinationIndex, strays: strays,
            organizationName: { $0 == Self.source ? "source" : nil })
        return Synchronizer(
            from: source, to: collector, state: state, deletionGuard: DeletionGuard(), now: { Date() })
    }

    private func options(_ url: String, _ dn: String, _ passwordFile: String) throws -> LDAPConnectionOptions {
        let password = try String(contentsOfFile: passwordFile, encoding: .utf8)
        return LDAPConnectionOptions(url: url, credentials: .simple(dn: dn, password: LDAPPassword(password)))
    }

    /// VmHWM of proc(5).
    private func peakMemoryBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}
