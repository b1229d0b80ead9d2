import AddressBook
import IncrementalSync
import SynchronizationTestSupport

/// One synchronization into a memory, and the clock that it goes by.
struct World {
    let state = InMemorySynchronizationState()
    let collector = MemoryCollector()
    let clock = ManualClock()
    /// One that lets everything pass, unless a test is about it.
    var deletionGuard = DeletionGuard(count: 1_000_000, percent: 100)

    func synchronizer(from source: any ChangeSource) -> Synchronizer {
        let clock = clock
        return Synchronizer(
            from: source, to: collector, state: state, deletionGuard: deletionGuard, now: { clock.now })
    }

    /// Everything that the batches say, from the first of them on.
    @discardableResult
    func synchronize(_ batches: [Observation]...) async throws -> SynchronizationReport {
        try await synchronizer(from: NewsSource(batches: batches)).synchronize()
    }

    /// A full reading that shows just these entries.
    @discardableResult
    func refresh(_ number: Int, showing observations: [Observation]) async throws -> SynchronizationReport {
        let batches = [
            ChangeBatch(observations: observations, refresh: Sample.refresh(number)),
            ChangeBatch(observations: [], refresh: Sample.refresh(number), completesRefresh: true),
        ]
        return try await synchronizer(from: FromTheStart(source: ListedSource(batches))).synchronize()
    }

    /// The state and the store know these people.
    func fill(_ numbers: Range<Int>, of organization: OrganizationID = Sample.organization) async throws {
        try await synchronize(numbers.map { .upsert(Sample.person($0, of: organization)) })
        await collector.forgetOffers()
    }

    var entryCount: Int { get async { await collector.entries.count } }
    var problems: [EntryID: Problem] { get async { await state.allProblems } }
}

/// Says the same whatever was read before: each use is news of its own.
private struct NewsSource: ChangeSource {
    let batches: [[Observation]]

    func read(after cursor: Cursor?) -> any ChangeReader {
        ListedSource(batches.map { ChangeBatch(observations: $0) }).read(after: nil)
    }
}

/// A source that has to be read from its beginning.
struct FromTheStart: ChangeSource {
    let source: ListedSource

    func read(after cursor: Cursor?) -> any ChangeReader { source.read(after: nil) }
}
