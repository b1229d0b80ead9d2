import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import Logging
import MailTransport
import SQLiteStore
import Testing

@testable import InterOrgServices

@Suite("The agent")
struct SynchronizationAgentTests {
    /// A directory whose server has accepted the connection and says nothing.
    private struct SilentDirectory: OrganizationDirectory, ChangeSource {
        let begun: AsyncStream<Void>.Continuation
        var exports: [String] { ["ou=people"] }
        var imports: Bool { false }

        func check() async throws {}

        func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource { self }

        func read(after cursor: IncrementalSync.Cursor?) async throws -> any ChangeReader {
            begun.yield()
            try await Task.sleep(for: .seconds(3_600))
            throw CancellationError()
        }

        func collector(
            index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
        ) -> (any Collector)? { nil }
    }

    @Test("ends when it is told to, and nobody who waits for a cycle waits in vain", .timeLimit(.minutes(1)))
    func ends() async throws {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let agent = SynchronizationAgent(
            exchanger: try exchanger(SilentDirectory(begun: begin)), schedule: .every(.seconds(1)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await agent.run() }
        for await _ in begun { break }
        // The first cycle, which the schedule waits for, is under way; these stand in the queue behind it.
        agent.mailHasCome()
        let waiting = (1...3).map { _ in Task { await agent.cycle() } }
        while agent.waitingCount < 4 { try await Task.sleep(for: .milliseconds(1)) }
        running.cancel()
        try await running.value
        for task in waiting { #expect(await task.value == nil) }
        #expect(await agent.cycle() == nil)
    }

    private func exchanger(_ directory: some OrganizationDirectory) throws -> Exchanger {
        let store = try ServiceStore(database: DatabaseQueue())
        let organizations = ["branch", "master"].map { Organization(id: OrganizationID(derivedFromName: $0), name: $0) }
        let surroundings = Surroundings(
            now: { Date() }, newID: { UUID() }, deletionGuard: DeletionGuard(), payloadBytesMax: 100_000)
        return Exchanger(
            role: .requestor(
                Requestor(
                    organization: organizations[0], master: organizations[1], store: store, directory: directory,
                    surroundings: surroundings)),
            directory: directory, store: store, envelope: InsecureEnvelope(payloadBytesMax: 100_000), senders: [:],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { Date() }, posted: {})
    }
}
