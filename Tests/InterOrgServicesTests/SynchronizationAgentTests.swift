import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import LDAPClient
import Logging
import MailTransport
import SQLiteStore
import Synchronization
import SynchronizationTestSupport
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

    @Test("ends when it is told to, and nobody who waits for a cycle waits in vain", .timeLimit(.minutes(10)))
    func ends() async throws {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let agent = SynchronizationAgent(
            exchanger: try exchanger(SilentDirectory(begun: begin)), schedule: .every(.seconds(1)),
            pauses: ManualPauses().pauses, logger: RecordingLog().logger)
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

    /// A directory whose server is away so many times.
    private final class AbsentDirectory: OrganizationDirectory, ChangeSource {
        private let left: Mutex<Int>
        private let error: LDAPError
        private let reads = Mutex(0)
        private let entry: Entry?
        /// Whether it says at any time that something has changed.
        let hasNews: Bool

        /// - Parameter entry: what it has after all.
        init(times: Int, _ code: LDAPResultCode, entry: Entry? = nil, hasNews: Bool = false) {
            left = Mutex(times)
            self.hasNews = hasNews
            self.entry = entry
            error = LDAPError(code: code, operation: "connect", subject: "ldap://ldap.a.example")
        }

        var exports: [String] { ["ou=people"] }
        var imports: Bool { false }
        var readCount: Int { reads.withLock { $0 } }

        func check() async throws {}

        func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource { self }

        func read(after cursor: IncrementalSync.Cursor?) async throws -> any ChangeReader {
            reads.withLock { $0 += 1 }
            let isAway = left.withLock { left in
                defer { left = max(0, left - 1) }
                return left > 0
            }
            if isAway { throw error }
            let batches = entry.map { [ChangeBatch(observations: [.upsert($0)])] } ?? []
            return ListedSource(batches).read(after: cursor)
        }

        func awaitChange(
            _ export: String, _ stream: ChangeStream, index: any PlaceIndex, after cursor: IncrementalSync.Cursor?
        ) async throws -> Bool { hasNews }

        func collector(
            index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
        ) -> (any Collector)? { nil }
    }

    @Test(
        "tries again what a server that was away has prevented, whatever the schedule, and says it once",
        .timeLimit(.minutes(10)))
    func retries() async throws {
        let directory = AbsentDirectory(times: 9, .serverDown)
        let log = RecordingLog()
        let waiting = ManualPauses()
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory, log.logger), schedule: .every(.seconds(86_400)),
            pauses: waiting.pauses, logger: log.logger)
        let running = Task { try await agent.run() }
        while !log.all.contains("info: export the directory: works again") {
            try await Task.sleep(for: .milliseconds(1))
        }
        running.cancel()
        try await running.value
        #expect(waiting.durations == [5, 10, 20, 40, 80, 160, 300, 300, 300].map { .seconds($0) })
        let errors = log.all.filter { $0.hasPrefix("error:") }
        #expect(errors.count == 1 && errors[0].contains("ldap://ldap.a.example"), "\(errors)")
        // The schedule's request alone; the retries have found nothing to tell the master.
        #expect(log.all.filter { $0 == "info: request posted" }.count == 1)
    }

    @Test(
        "tells the master what a retry has found, even if it has just been asked for nothing", .timeLimit(.minutes(10)))
    func retriesRequest() async throws {
        let branch = OrganizationID(derivedFromName: "branch")
        let directory = AbsentDirectory(times: 1, .serverDown, entry: Sample.person(1, of: branch))
        let log = RecordingLog()
        let waiting = ManualPauses()
        let now: @Sendable () -> Date = {
            Sample.now.addingTimeInterval(waiting.durations.reduce(.zero, +) / .seconds(1))
        }
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory, log.logger, now: now), schedule: .every(.seconds(86_400)),
            pauses: waiting.pauses, logger: log.logger)
        let running = Task { try await agent.run() }
        while log.all.filter({ $0 == "info: request posted" }).count < 2 { try await Task.sleep(for: .milliseconds(1)) }
        // Nothing more is pending: the next cycle is that of somebody who asks for one.
        _ = await agent.cycle()
        running.cancel()
        try await running.value
        // Nobody answers the first request. It is overdue after 30 seconds.
        #expect(waiting.durations == [5, 10, 20].map { .seconds($0) })
    }

    @Test("asks again when an answer is overdue, long before the schedule does", .timeLimit(.minutes(10)))
    func overdue() async throws {
        let log = RecordingLog()
        let directory = AbsentDirectory(times: 0, .serverDown)
        // The first request is nearly a minute old when it is posted.
        let now: @Sendable () -> Date = {
            let isPosted = log.all.contains { $0.hasPrefix("info: request posted") }
            return isPosted ? Date() : Date() - 59
        }
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory, log.logger, now: now), schedule: .every(.seconds(86_400)),
            pauses: ManualPauses().pauses, logger: log.logger)
        let running = Task { try await agent.run() }
        while !log.all.contains("info: request posted: an answer is missing") {
            try await Task.sleep(for: .milliseconds(1))
        }
        running.cancel()
        try await running.value
    }

    @Test("does not read without a pause what it cannot read, although there is news", .timeLimit(.minutes(10)))
    func unreadableNews() async throws {
        let directory = AbsentDirectory(times: .max, .unavailable, hasNews: true)
        let waiting = ManualPauses()
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory), schedule: .continuous, pauses: waiting.pauses,
            logger: RecordingLog().logger)
        let running = Task { try await agent.run() }
        while directory.readCount < 12 { try await Task.sleep(for: .milliseconds(1)) }
        running.cancel()
        try await running.value
        // Beside these, the pauses before what could not be done is tried again: 5 seconds, then twice as long.
        let own = waiting.durations.filter { [1, 2, 4, 8, 16, 32].contains($0 / .seconds(1)) }
        #expect(own.starts(with: [1, 2, 4].map { .seconds($0) }), "\(waiting.durations)")
        #expect(directory.readCount <= waiting.durations.count + 1)
    }

    @Test("leaves what somebody has to correct to the schedule", .timeLimit(.minutes(10)))
    func corrections() async throws {
        let directory = AbsentDirectory(times: 9, .invalidCredentials)
        let log = RecordingLog()
        let waiting = ManualPauses()
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory, log.logger), schedule: .every(.milliseconds(1)),
            pauses: waiting.pauses, logger: log.logger)
        let running = Task { try await agent.run() }
        while directory.readCount < 5 { try await Task.sleep(for: .milliseconds(1)) }
        running.cancel()
        try await running.value
        #expect(waiting.durations.isEmpty)
        #expect(log.all.filter { $0.hasPrefix("error:") }.count == 1)
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

    @Test("that works continuously runs a cycle when the directory changes", .timeLimit(.minutes(10)))
    func continuous() async throws {
        let (read, reads) = AsyncStream<Void>.makeStream()
        let directory = WatchedDirectory(reads: reads)
        let agent = SynchronizationAgent(
            exchanger: try exchanger(directory), schedule: .continuous, pauses: ManualPauses().pauses,
            logger: RecordingLog().logger)
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

    private func exchanger(
        _ directory: some OrganizationDirectory, _ logger: Logger = RecordingLog().logger,
        now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> Exchanger {
        let store = try ServiceStore(database: DatabaseQueue())
        let organizations = ["branch", "master"].map { Organization(id: OrganizationID(derivedFromName: $0), name: $0) }
        let surroundings = Surroundings(
            now: now, newID: { UUID() }, pauses: ManualPauses().pauses, deletionGuard: DeletionGuard(),
            payloadBytesMax: 100_000)
        return Exchanger(
            role: .requestor(
                Requestor(
                    organization: organizations[0], master: organizations[1], store: store, directory: directory,
                    surroundings: surroundings)),
            directory: directory, store: store, envelope: InsecureEnvelope(payloadBytesMax: 100_000, peers: []),
            logger: logger, now: now, posted: {})
    }
}
