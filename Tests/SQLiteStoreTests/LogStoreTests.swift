import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("The log as collector and as source")
struct LogStoreTests {
    let store: ServiceStore
    let log: ChangeLog

    init() throws {
        store = try temporaryStore()
        log = ChangeLog(store: store)
    }

    /// One synchronization of these changes into the log; gives the highest number after it.
    private func collect(_ changes: [Change], entryBytesMax: Int = 1000) async throws -> Int64 {
        let collector = LogCollector(log, owner: Sample.organization, entryBytesMax: entryBytesMax)
        let batch = ChangeBatch(observations: changes.map { Observation(.change($0)) })
        // A state of its own each time: what the log has, the log itself must know.
        let synchronizer = Synchronizer(
            from: ListedSource([batch]), to: collector, state: try await store.state(UUID().uuidString),
            deletionGuard: DeletionGuard(), now: { Sample.now })
        _ = try await synchronizer.synchronize()
        return try await log.line().highest
    }

    @Test("what is news gets a number, and what the log has already gets none")
    func unchanged() async throws {
        let entries = (1...3).map { Change.upsert(Sample.person($0)) }
        #expect(try await collect(entries) == 3)
        #expect(try await collect(entries) == 3)
        #expect(try await collect([.upsert(Sample.person(2, title: "New")), entries[0]]) == 4)
    }

    @Test("the deletion of an entry gets one number, that of an unknown or deleted one gets none")
    func deletions() async throws {
        #expect(try await collect([.upsert(Sample.person(1))]) == 1)
        #expect(try await collect([.delete(Sample.id(2))]) == 1)
        #expect(try await collect([.delete(Sample.id(1))]) == 2)
        #expect(try await collect([.delete(Sample.id(1))]) == 2)
        let changes = try await log.changes(.contents, after: 0, through: 9, limit: 9)
        #expect(changes == [NumberedChange(number: 2, change: .delete(Sample.id(1)))])
    }

    @Test("an organization may change only its own entries")
    func foreign() async throws {
        let foreign = Sample.person(1, of: Sample.otherOrganization)
        #expect(try await collect([.upsert(foreign), .upsert(Sample.person(2)), .delete(foreign.id)]) == 1)
        let problems = try await store.problems()
        #expect(problems.map(\.problem.reason) == ["it is an entry of another organization"])
    }

    @Test("an entry that could not travel is refused, one that just can is not")
    func large() async throws {
        let entry = Sample.person(1)
        #expect(try await collect([.upsert(entry)], entryBytesMax: entry.valueBytes - 1) == 0)
        #expect(try await store.problems().count == 1)
        #expect(try await collect([.upsert(entry)], entryBytesMax: entry.valueBytes) == 1)
    }

    @Test("a reading comes in batches, each with the number that it leads to, and ends where it was told to")
    func reading() async throws {
        _ = try await collect((1...1203).map { .upsert(Sample.person($0)) })
        let source = LogSource(log, .contents, view: .all, through: 1200)
        let reader = try await source.read(after: Cursor(number: 100))
        var numbers: [Int64] = []
        var cursors: [Int64?] = []
        var readAhead: [Bool] = []
        while let batch = try await reader.next() {
            #expect(batch.observations.count <= 500)
            numbers += batch.observations.compactMap(\.number)
            cursors.append(batch.cursor?.number)
            readAhead.append(batch.allowsReadingAhead)
        }
        #expect(readAhead == [true, true, false])
        #expect(numbers == Array(101...1200))
        #expect(cursors == [600, 1100, 1200])
    }

    @Test("a reading that shows nothing of others leads to its end all the same")
    func nothingOfOthers() async throws {
        _ = try await collect([.upsert(Sample.person(1))])
        let source = LogSource(log, .contents, view: View(excluding: Sample.organization), through: 1)
        let reader = try await source.read(after: nil)
        let batch = try #require(try await reader.next())
        #expect(batch.observations.isEmpty && batch.cursor == Cursor(number: 1))
        #expect(try await reader.next() == nil)
        #expect(try await source.read(after: Cursor(number: 1)).next() == nil)
    }

    @Test("what is posted to a remote site is all that its state records")
    func outgoing() async throws {
        let state = OutgoingState(store: store, after: 12)
        #expect(try await state.cursor()?.number == 12)
        #expect(!state.tracksEntries)
        var step = Step(now: Sample.now)
        step.cursor = Cursor(number: 15)
        step.problems = [Sample.problem(.upsert(Sample.person(1)))]
        step.posted = [OutgoingMessage(recipient: Sample.otherOrganization, request: 1, payload: [1])]
        try await state.commit(step)
        #expect(try await state.cursor()?.number == 12)
        #expect(try await store.problems().isEmpty)
        #expect(try await Outbox(store: store).waiting()[Sample.otherOrganization]?.count == 1)
    }
}
