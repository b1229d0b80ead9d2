import AddressBook
import IncrementalSync
import Synchronization
import SynchronizationTestSupport
import Testing

@Suite("After a failure that may pass")
struct RetryTests {
    /// The server is away.
    struct Away: Error {}
    /// No other attempt will do better.
    struct Forbidden: Error {}

    /// What the one who retries has told.
    final class Told: Sendable {
        private let texts = Mutex<[String]>([])
        var all: [String] { texts.withLock { $0 } }

        func add(_ notice: Retry.Notice) {
            let text =
                switch notice {
                case .failing: "failing"
                case .recovered: "recovered"
                }
            texts.withLock { $0.append(text) }
        }
    }

    let waiting = ManualPauses()
    let told = Told()

    func retry(patience: Duration? = .seconds(60)) -> Retry {
        Retry(
            Backoff(first: .seconds(1), longest: .seconds(8), patience: patience), pauses: waiting.pauses,
            isTransient: { $0 is Away || $0 is Faults.Failure }, notify: told.add)
    }

    /// Fails so many times, each time where it is told to, and remembers which cursors it was read from.
    final class Breaking: ChangeSource {
        private let source: ListedSource
        private let state: Mutex<(left: Int, cursors: [Cursor?])>
        private let batchesBefore: Int
        private let error: any Error

        init(_ source: ListedSource, times: Int, afterBatches: Int, _ error: any Error = Away()) {
            self.source = source
            self.state = Mutex((times, []))
            self.batchesBefore = afterBatches
            self.error = error
        }

        var cursors: [Cursor?] { state.withLock { $0.cursors } }

        func read(after cursor: Cursor?) -> any ChangeReader {
            state.withLock { $0.cursors.append(cursor) }
            return Reader(source: self, reader: source.read(after: cursor))
        }

        private actor Reader: ChangeReader {
            let source: Breaking
            let reader: any ChangeReader
            var count = 0

            init(source: Breaking, reader: any ChangeReader) {
                self.source = source
                self.reader = reader
            }

            func next() async throws -> ChangeBatch? {
                defer { count += 1 }
                let breaks = source.state.withLock { state in
                    guard count == source.batchesBefore, state.left > 0 else { return false }
                    state.left -= 1
                    return true
                }
                if breaks { throw source.error }
                return try await reader.next()
            }
        }
    }

    private static let news = ListedSource((1...5).map { ChangeBatch(observations: [.upsert(Sample.person($0))]) })

    @Test("a reading goes on after the last committed cursor, in the same synchronization")
    func goesOn() async throws {
        let world = World()
        let source = Breaking(Self.news, times: 2, afterBatches: 2)
        let report = try await world.synchronizer(from: RetryingSource(source, retry())).synchronize()
        #expect(report.imported == 5)
        #expect(source.cursors == [nil, .batch(2), .batch(4)])
        #expect(await world.collector.offered.flatMap(\.self).count == 5)
        // Each was progress, so the pauses did not grow.
        #expect(waiting.durations == [.seconds(1), .seconds(1)])
        #expect(told.all == ["failing", "recovered", "failing", "recovered"])
    }

    @Test("an interrupted refresh begins again, and deletes only what the whole one did not show")
    func refresh() async throws {
        let world = World()
        try await world.fill(1..<4)
        let batches = [
            ChangeBatch(observations: [.upsert(Sample.person(1))], refresh: Sample.refresh(1)),
            ChangeBatch(observations: [.upsert(Sample.person(3, title: "New"))], refresh: Sample.refresh(1)),
            ChangeBatch(observations: [], refresh: Sample.refresh(1), completesRefresh: true),
        ]
        let source = Breaking(ListedSource(batches), times: 3, afterBatches: 1)
        let synchronizer = world.synchronizer(from: RetryingSource(FromNothing(source), retry()))
        let report = try await synchronizer.synchronize()
        #expect(source.cursors == [nil, nil, nil, nil])
        #expect(report.imported == 2)
        #expect(Set(await world.collector.entries.keys) == [Sample.id(1), Sample.id(3)])
        // A batch without a cursor is no progress.
        #expect(waiting.durations == [.seconds(1), .seconds(2), .seconds(4)])
    }

    @Test("a batch is offered again as it was")
    func sameBatch() async throws {
        let world = World()
        let collector = RetryingCollector(FaultyCollector(world.collector, Faults(call: 1, .after)), retry())
        let changes = (1..<4).map { OfferedChange(.upsert(Sample.person($0))) }
        let result = try await collector.importChanges(changes)
        #expect(await world.collector.offered == [changes, changes])
        #expect(result.outcomes == Array(repeating: .unchanged(nil), count: 3))
    }

    @Test("anywhere in a synchronization it ends as if nothing had been", arguments: Faults.Phase.allCases)
    func everyCall(phase: Faults.Phase) async throws {
        var call = 1
        while true {
            let world = World()
            try await world.fill(1..<5)
            var start = Step(now: Sample.now)
            start.cursor = .batch(0)
            await world.state.commit(start)
            let faults = Faults(call: call, phase)
            let retry = retry()
            _ = try await Synchronizer(
                from: RetryingSource(FaultySource(SynchronizerFailureTests.source, faults), retry),
                to: RetryingCollector(FaultyCollector(world.collector, faults, failsFinish: false), retry),
                state: world.state, deletionGuard: world.deletionGuard, now: { Sample.now }
            ).synchronize()
            #expect(Set(await world.collector.entries.keys) == Set([1, 5, 6, 7].map { Sample.id($0) }), "call \(call)")
            guard faults.hasFailed else { break }
            call += 1
        }
        #expect(call > 8)
    }

    @Test("the patience is spent once by all that use the same server, until something succeeds")
    func sharedPatience() async throws {
        let world = World()
        let retry = retry(patience: .seconds(4))
        let away = RetryingSource(Breaking(Self.news, times: .max, afterBatches: 0), retry)
        await #expect(throws: Away.self) { try await world.synchronizer(from: away).synchronize() }
        #expect(waiting.durations == [.seconds(1), .seconds(2)])
        await #expect(throws: Away.self) { try await world.synchronizer(from: away).synchronize() }
        #expect(waiting.durations.count == 2)
        #expect(told.all == ["failing"])
        let back = RetryingSource(Breaking(Self.news, times: 1, afterBatches: 1), retry)
        #expect(try await world.synchronizer(from: back).synchronize().imported == 5)
        #expect(waiting.durations.count == 3)
        #expect(told.all == ["failing", "recovered", "failing", "recovered"])
    }

    @Test("one that cannot pass is not tried again")
    func permanent() async throws {
        let source = Breaking(Self.news, times: 1, afterBatches: 1, Forbidden())
        await #expect(throws: Forbidden.self) {
            try await World().synchronizer(from: RetryingSource(source, retry())).synchronize()
        }
        #expect(source.cursors.count == 1)
        #expect(waiting.durations.isEmpty)
        #expect(told.all.isEmpty)
    }

    @Test("a pause ends at once when the task is cancelled", .timeLimit(.minutes(10)))
    func cancelled() async throws {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let pauses = Pauses(
            elapsed: { .zero },
            wait: { _ in
                begin.yield()
                try await Task.sleep(for: .seconds(3_600))
            }, random: { 0 })
        let retry = Retry(
            Backoff(first: .seconds(1), longest: .seconds(1)), pauses: pauses, isTransient: { $0 is Away })
        let source = RetryingSource(Breaking(Self.news, times: .max, afterBatches: 0), retry)
        let task = Task { try await World().synchronizer(from: source).synchronize() }
        for await _ in begun { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// A source that has to be read from its beginning, whatever cursor there is.
private struct FromNothing: ChangeSource {
    let source: RetryTests.Breaking

    init(_ source: RetryTests.Breaking) {
        self.source = source
    }

    func read(after cursor: Cursor?) -> any ChangeReader { source.read(after: nil) }
}
