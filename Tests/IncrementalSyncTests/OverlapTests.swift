import AddressBook
import Foundation
import IncrementalSync
import SynchronizationTestSupport
import Testing

/// What is imported while the batch before is being committed.
@Suite("Batches that may be read ahead")
struct OverlapTests {
    private let world = World()

    private func refresh(_ numbers: [Int]...) -> [ChangeBatch] {
        numbers.map { numbers in
            ChangeBatch(
                observations: numbers.map { .upsert(Sample.person($0)) }, refresh: Sample.refresh(1),
                allowsReadingAhead: true)
        }
    }

    private var end: ChangeBatch {
        ChangeBatch(observations: [], refresh: Sample.refresh(1), completesRefresh: true)
    }

    @Test("are imported while the one before is committed, and committed in their order", .timeLimit(.minutes(10)))
    func overlap() async throws {
        let gate = Gate()
        let state = GatedState(state: world.state, gate: gate)
        let collector = GatedCollector(collector: world.collector, gate: gate)
        let synchronizer = Synchronizer(
            from: ListedSource(refresh([1], [2], [3]) + [end]), to: collector, state: state,
            deletionGuard: world.deletionGuard, now: { Sample.now })
        // The first commit waits for the second import; without the overlap this would never end.
        _ = try await synchronizer.synchronize()
        #expect(await world.state.commits.prefix(3) == [[Sample.id(1)], [Sample.id(2)], [Sample.id(3)]])
    }

    @Test("are committed once each, and those that were imported are committed though a later one fails")
    func failure() async throws {
        struct Outage: Error {}
        let collector = FailingCollector(collector: world.collector, failing: Sample.id(3), error: Outage())
        let synchronizer = Synchronizer(
            from: ListedSource(refresh([1], [2], [3]) + [end]), to: collector, state: world.state,
            deletionGuard: world.deletionGuard, now: { Sample.now })
        await #expect(throws: Outage.self) { try await synchronizer.synchronize() }
        #expect(await world.state.commits == [[Sample.id(1)], [Sample.id(2)]])
    }

    @Test("are committed though the reading fails after them")
    func readingFails() async throws {
        struct Outage: Error {}
        let source = ListedSource(refresh([1], [2]), failure: Outage())
        await #expect(throws: Outage.self) { try await world.synchronizer(from: source).synchronize() }
        #expect(await world.state.commits == [[Sample.id(1)], [Sample.id(2)]])
    }

    @Test("wait for the commit of the one before if that is of the same entry")
    func sameEntry() async throws {
        let source = ListedSource(refresh([1], [1]) + [end])
        let report = try await world.synchronizer(from: source).synchronize()
        #expect(report.imported == 1)
        #expect(await world.collector.offered.count == 1)
    }
}

/// Open from the second import on.
private actor Gate {
    private var imports = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func noteImport() {
        imports += 1
        guard imports >= 2 else { return }
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    func pass() async {
        if imports < 2 { await withCheckedContinuation { waiting.append($0) } }
    }
}

private struct GatedCollector: Collector {
    let collector: MemoryCollector
    let gate: Gate

    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        await gate.noteImport()
        return await collector.importChanges(changes)
    }
}

private struct FailingCollector: Collector {
    let collector: MemoryCollector
    let failing: EntryID
    let error: any Error

    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        if changes.contains(where: { $0.id == failing }) { throw error }
        return await collector.importChanges(changes)
    }
}

/// A state whose commits wait at the gate.
private struct GatedState: SynchronizationState {
    let state: InMemorySynchronizationState
    let gate: Gate

    var tracksEntries: Bool { true }
    func commit(_ step: Step) async throws {
        await gate.pass()
        await state.commit(step)
    }
    func cursor() async throws -> Cursor? { await state.cursor() }
    func records(_ ids: [EntryID]) async throws -> [EntryID: ExchangeRecord] { await state.records(ids) }
    func problems(_ ids: [EntryID]) async throws -> [EntryID: Problem] { await state.problems(ids) }
    func dueProblems(now: Date, limit: Int) async throws -> [Problem] {
        await state.dueProblems(now: now, limit: limit)
    }
    func unseen(in refresh: RefreshID, limit: Int) async throws -> [EntryID] {
        await state.unseen(in: refresh, limit: limit)
    }
    func unseenCounts(in refresh: RefreshID) async throws -> [OrganizationID: Int] {
        await state.unseenCounts(in: refresh)
    }
    func summary(seenIn refresh: RefreshID) async throws -> SetSummary { await state.summary(seenIn: refresh) }
    func entryCount(of organization: OrganizationID) async throws -> Int { await state.entryCount(of: organization) }
    func deletionCount(of organization: OrganizationID, since: Date) async throws -> Int {
        await state.deletionCount(of: organization, since: since)
    }
    func emptiedCounts(of organization: OrganizationID, since: Date) async throws -> [Field: Int] {
        await state.emptiedCounts(of: organization, since: since)
    }
}
