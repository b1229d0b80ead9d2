import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import Logging
import MailTransport
import SQLiteStore
import Synchronization
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

    /// A directory that is empty, and says when it is read and watched.
    private final class WatchedDirectory: OrganizationDirectory, ChangeSource, ChangeReader {
        let reads: AsyncStream<Void>.Continuation
        let hasChanged = Atomic(false)
        var exports: [String] { ["ou=people"] }
        var imports: Bool { false }

        func check() async throws {}

        func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource { self }

        func read(after cursor: IncrementalSync.Cursor?) async throws -> any ChangeReader { self }

        init(reads: AsyncStream<Void>.Continuation) {
            self.reads = reads
        }

        func next() async throws -> ChangeBatch? {
            reads.yield()
            return nil
        }

        func awaitChange(
            _ export: String, _ stream: ChangeStream, index: any PlaceIndex, after cursor: IncrementalSync.Cursor?
        ) async throws -> Bool {
            guard stream == .contents else { return false }
            while !hasChanged.exchange(false, ordering: .relaxed) { try await Task.sleep(for: .milliseconds(1)) }
            return true
        }

        func collector(
            index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
        ) -> (any Collector)? { nil }
    }

    @Test("that works continuously runs a cycle when the directory changes", .timeLimit(.minutes(1)))
    func continuous() async throws {
        let (read, reads) = AsyncStream<Void>.makeStream()
        let directory = WatchedDirectory(reads: reads)
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory), schedule: .continuous,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await agent.run() }
        // The first cycle reads both streams, and without a change no other one follows for a minute.
        var iterator = read.makeAsyncIterator()
        for _ in 1...2 { await iterator.next() }
        for _ in 1...2 {
            directory.hasChanged.store(true, ordering: .relaxed)
            for _ in 1...2 { await iterator.next() }
        }
        running.cancel()
        try await running.value
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
