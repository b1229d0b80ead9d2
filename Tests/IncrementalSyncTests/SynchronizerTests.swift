import AddressBook
import Foundation
import IncrementalSync
import SynchronizationTestSupport
import Testing

@Suite("The synchronizer")
struct SynchronizerTests {
    let world = World()

    @Test("imports what a source shows, and deletes what it reports as deleted")
    func imports() async throws {
        try await world.synchronize([.upsert(Sample.person(1)), .upsert(Sample.person(2))])
        let report = try await world.synchronize([.delete(Sample.id(1)), .upsert(Sample.person(2, title: "Chief"))])
        #expect(await world.collector.entries == [Sample.id(2): Sample.person(2, title: "Chief")])
        #expect(report.read == 2 && report.imported == 2)
        #expect(await world.state.records([Sample.id(1)]).isEmpty)
    }

    @Test("does not offer what the destination has already")
    func unchanged() async throws {
        try await world.fill(1..<4)
        let report = try await world.synchronize((1..<4).map { .upsert(Sample.person($0)) })
        #expect(await world.collector.offered.isEmpty)
        #expect(report.read == 3 && report.imported == 0)
    }

    @Test("records a new place of an entry that is otherwise as it was, without importing it")
    func movedAtHome() async throws {
        let place = Place(key: "cn=new", text: "CN=new")
        try await world.fill(1..<2)
        try await world.synchronize([.upsert(Sample.person(1), place: place)])
        #expect(await world.collector.offered.isEmpty)
        #expect(await world.state.records([Sample.id(1)])[Sample.id(1)]?.home == place)
    }

    @Test("takes the newest of several observations of one entry in a batch")
    func newestWins() async throws {
        try await world.synchronize([
            .upsert(Sample.person(1, title: "First")), .delete(Sample.id(2)), .upsert(Sample.person(1, title: "Last")),
            .upsert(Sample.person(2)), .upsert(Sample.person(3)), .delete(Sample.id(3)),
        ])
        #expect(
            await world.collector.entries
                == [Sample.id(1): Sample.person(1, title: "Last"), Sample.id(2): Sample.person(2)])
    }

    @Test("concludes nothing from the absence of an entry that it never knew")
    func absentUnknown() async throws {
        try await world.synchronize([Observation(.absent(Sample.id(9)))])
        #expect(await world.collector.offered.isEmpty)
        #expect(await world.problems.isEmpty)
    }

    @Test("deletes an entry that it knew and that a source does not show any more")
    func absentKnown() async throws {
        try await world.fill(1..<3)
        try await world.synchronize([Observation(.absent(Sample.id(1)))])
        #expect(await Array(world.collector.entries.keys) == [Sample.id(2)])
    }

    @Test("offers the deletion of an unknown entry, but does not count it as one")
    func unknownDeletion() async throws {
        try await world.synchronize([.delete(Sample.id(1))])
        #expect(await world.collector.offered.count == 1)
        #expect(await world.state.deletionCount(of: Sample.organization, since: .distantPast) == 0)
    }

    @Test("moves the cursor only after the destination has the batch")
    func cursorLast() async throws {
        let source = ListedSource((1...3).map { ChangeBatch(observations: [.upsert(Sample.person($0))]) })
        let faults = Faults(call: 2, .before)
        let synchronizer = Synchronizer(
            from: source, to: FaultyCollector(world.collector, faults), state: world.state,
            deletionGuard: world.deletionGuard, now: { Sample.now })
        await #expect(throws: Faults.Failure.self) { try await synchronizer.synchronize() }
        #expect(await world.state.cursor() == .batch(1))
        #expect(await Array(world.collector.entries.keys) == [Sample.id(1)])

        _ = try await world.synchronizer(from: source).synchronize()
        #expect(await world.state.cursor() == .batch(3))
        #expect(await world.state.cursors == [.batch(1), .batch(2), .batch(3)])
        #expect(await world.entryCount == 3)
    }

    @Test("offers a change with the number that it has in its log")
    func numbers() async throws {
        try await world.synchronize([Observation(.change(.upsert(Sample.person(1))), number: 42)])
        #expect(await world.collector.offered == [[OfferedChange(.upsert(Sample.person(1)), number: 42)]])
    }

    @Test("runs the hierarchy before the contents, and lets emptied containers go in the same run")
    func agent() async throws {
        let container = Sample.container(100)
        let hierarchy = World()
        await hierarchy.collector.dictate(.waiting(reason: "not empty"), for: container.id)
        let entries = EmptyingCollector(container: container.id, hierarchy: hierarchy.collector)
        let contents = Synchronizer(
            from: ListedSource([ChangeBatch(observations: [.upsert(Sample.person(1))])]), to: entries,
            state: world.state, deletionGuard: world.deletionGuard, now: { Sample.now })
        let containers = hierarchy.synchronizer(
            from: ListedSource([ChangeBatch(observations: [.upsert(container)])]))
        _ = try await Agent(hierarchy: containers, contents: contents).synchronize()
        #expect(await hierarchy.collector.offered.count == 2)
        #expect(await hierarchy.problems.isEmpty)
    }
}

/// Lets a container be imported once something has come after it.
private struct EmptyingCollector: Collector {
    let container: EntryID
    let hierarchy: MemoryCollector

    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        #expect(await hierarchy.offered.count == 1)
        await hierarchy.dictate(nil, for: container)
        return ImportResult(outcomes: changes.map { _ in .imported(nil) })
    }
}
