import AddressBook
import Foundation
import IncrementalSync
import SynchronizationTestSupport
import Testing

@Suite("Deletions that a synchronization concludes, and those that it holds")
struct SynchronizerDeletionTests {
    let world = World()

    @Test("what a complete refresh did not show is deleted")
    func unseen() async throws {
        try await world.fill(1..<5)
        try await world.refresh(1, showing: [.upsert(Sample.person(1)), Observation(.present(Sample.id(2)))])
        #expect(await Set(world.collector.entries.keys) == [Sample.id(1), Sample.id(2)])
    }

    @Test("a refresh that does not complete deletes nothing")
    func incomplete() async throws {
        try await world.fill(1..<5)
        let source = ListedSource([
            ChangeBatch(observations: [.upsert(Sample.person(1, title: "New"))], refresh: Sample.refresh(1))
        ])
        _ = try await world.synchronizer(from: FromTheStart(source: source)).synchronize()
        #expect(await world.collector.offered.count == 1)
        #expect(await world.entryCount == 4)
    }

    @Test("a reading that fails deletes nothing, though what arrived is used")
    func failedRead() async throws {
        try await world.fill(1..<5)
        let before = await world.state.cursor()
        let arrived = ChangeBatch(observations: [.upsert(Sample.person(1, title: "New"))], refresh: Sample.refresh(1))
        let source = FromTheStart(source: ListedSource([arrived], failure: Faults.Failure()))
        await #expect(throws: Faults.Failure.self) { try await world.synchronizer(from: source).synchronize() }
        #expect(await world.entryCount == 4)
        #expect(await world.collector.entries[Sample.id(1)]?[.title] == ["New"])
        #expect(await world.state.cursor() == before)
    }

    @Test("the cursor of a refresh is not there before what is missing has been deleted")
    func cursorAfterDeletions() async throws {
        let source = ListedSource([
            ChangeBatch(observations: [.upsert(Sample.person(1))]),
            ChangeBatch(observations: [], refresh: Sample.refresh(1), completesRefresh: true),
        ])
        _ = try await world.synchronizer(from: source).synchronize()
        // The batch, the end of the refresh, the deletion, and only then the cursor.
        #expect(await world.state.cursors == [.batch(1), .batch(1), .batch(1), .batch(2)])
        #expect(await world.entryCount == 0)
    }

    @Test("deletions up to the limit happen, however many batches they take", arguments: [500, 700, 1500])
    func upToTheLimit(count: Int) async throws {
        var world = world
        world.deletionGuard = DeletionGuard(count: count, percent: 100)
        try await world.fill(0..<count)
        try await world.refresh(1, showing: [])
        #expect(await world.entryCount == 0)
        #expect(await world.problems.isEmpty)
    }

    @Test("one deletion above the limit holds them all, and nothing else", arguments: [501, 1201])
    func aboveTheLimit(count: Int) async throws {
        var world = world
        world.deletionGuard = DeletionGuard(count: count - 1, percent: 100)
        try await world.fill(0..<count)
        let report = try await world.refresh(1, showing: [.upsert(Sample.person(9_999))])
        #expect(await world.entryCount == count + 1)
        #expect(report.held == count && report.imported == 1)
        #expect(await world.problems.values.allSatisfy { $0.kind == .held && $0.nextAttempt == nil })
        #expect(await world.state.cursor() == .batch(2))

        let again = try await world.refresh(2, showing: [.upsert(Sample.person(9_999))])
        #expect(again.held == 0)
        #expect(await world.entryCount == count + 1)
    }

    @Test("nine deletions of nine happen, ten of ten are held")
    func smallNumbers() async throws {
        var world = world
        world.deletionGuard = DeletionGuard()
        try await world.fill(0..<9)
        try await world.refresh(1, showing: [])
        #expect(await world.entryCount == 0)
        let other = Sample.otherOrganization
        try await world.fill(0..<10, of: other)
        try await world.refresh(2, showing: [])
        #expect(await world.entryCount == 10)
    }

    @Test("deletions that are reported one by one count together for 24 hours")
    func window() async throws {
        var world = world
        world.deletionGuard = DeletionGuard(count: 2, percent: 100)
        try await world.fill(1..<6)
        try await world.synchronize([.delete(Sample.id(1))])
        world.clock.advance(seconds: 86_399)
        try await world.synchronize([.delete(Sample.id(2))])
        try await world.synchronize([.delete(Sample.id(3))])
        #expect(await world.problems[Sample.id(3)]?.kind == .held)
        #expect(await world.entryCount == 3)
        world.clock.advance(seconds: 1)
        try await world.synchronize([.delete(Sample.id(4))])
        #expect(await Set(world.collector.entries.keys) == [Sample.id(3), Sample.id(5)])
    }

    @Test("deletions of one reading count together, though some are held already")
    func oneReading() async throws {
        var world = world
        world.deletionGuard = DeletionGuard(count: 1_000, percent: 20)
        try await world.fill(0..<100)
        let batches = [0..<50, 50..<60].map { numbers in numbers.map { Observation(.change(.delete(Sample.id($0)))) } }
        let report = try await world.synchronize(batches[0], batches[1])
        #expect(report.held == 60)
        #expect(await world.entryCount == 100)
    }

    @Test("as many deletions as are allowed once pass, one more holds them all", arguments: [20, 21])
    func allowance(count: Int) async throws {
        var world = world
        world.deletionGuard = DeletionGuard()
        world.deletionGuard.allowance = .init(count: 20, since: world.clock.now)
        world.clock.advance(seconds: 1)
        try await world.fill(0..<30)
        let report = try await world.synchronize((0..<count).map { .delete(Sample.id($0)) })
        #expect(report.held == (count == 20 ? 0 : 21))
        #expect(await world.entryCount == (count == 20 ? 10 : 30))
    }

    @Test("what is allowed once is used up by each deletion, released ones among them")
    func usedUp() async throws {
        var world = try await worldThatHolds()
        for problem in await world.problems.values { try await release(problem, in: world) }
        world.deletionGuard.allowance = .init(count: 4, since: world.clock.now)
        world.clock.advance(seconds: 1)
        try await world.fill(4..<7)
        #expect(await world.entryCount == 3)
        try await world.synchronize([.delete(Sample.id(4))])
        #expect(await world.entryCount == 2)
        #expect(try await world.synchronize([.delete(Sample.id(5))]).held == 1)
    }

    @Test("each organization has a limit of its own")
    func perOrganization() async throws {
        var world = world
        world.deletionGuard = DeletionGuard(count: 2, percent: 100)
        try await world.fill(1..<3)
        try await world.fill(1..<4, of: Sample.otherOrganization)
        try await world.refresh(1, showing: [])
        #expect(await Set(world.collector.entries.keys.map(\.organization)) == [Sample.otherOrganization])
        #expect(await world.entryCount == 3)
    }

    @Test("a held deletion happens once it is released")
    func released() async throws {
        let world = try await worldThatHolds()
        for problem in await world.problems.values { try await release(problem, in: world) }
        try await world.synchronize()
        #expect(await world.entryCount == 0)
        #expect(await world.problems.isEmpty)
        // It was a person's decision and leaves the limit as it is.
        try await world.fill(1..<3)
        try await world.synchronize([.delete(Sample.id(1)), .delete(Sample.id(2))])
        #expect(await world.entryCount == 0)
    }

    @Test("a held deletion that its source reports again still waits for a person")
    func stillHeld() async throws {
        let world = try await worldThatHolds()
        try await world.synchronize([.delete(Sample.id(1))])
        #expect(await world.entryCount == 3)
        #expect(await world.problems[Sample.id(1)]?.kind == .held)
    }

    @Test("a refused deletion stays refused, however its source reports it")
    func refusedDeletion() async throws {
        let world = try await worldThatHolds()
        for problem in await world.problems.values { try await refuse(problem, in: world) }
        let reports = [
            try await world.synchronize([.delete(Sample.id(1))]), try await world.refresh(2, showing: []),
            try await world.synchronize(),
        ]
        #expect(reports.map(\.held) == [0, 0, 0])
        #expect(await world.entryCount == 3)
        #expect(await world.problems.values.map(\.kind) == [.kept, .kept, .kept])
    }

    @Test("a refusal ends when the source has the entry again, changed or not", arguments: [true, false])
    func endOfRefusal(isChanged: Bool) async throws {
        let world = try await worldThatHolds()
        for problem in await world.problems.values { try await refuse(problem, in: world) }
        let entry = isChanged ? Sample.person(1, title: "Back") : Sample.person(1)
        try await world.synchronize([.upsert(entry)])
        #expect(await Set(world.problems.keys) == [Sample.id(2), Sample.id(3)])
        // A deletion after that is another one, which the guard judges anew.
        try await world.synchronize([.delete(Sample.id(1))])
        #expect(await Set(world.collector.entries.keys) == [Sample.id(2), Sample.id(3)])
    }

    @Test("an entry whose deletion is held and that appears again stays", arguments: [true, false])
    func appearsAgain(isChanged: Bool) async throws {
        let world = try await worldThatHolds()
        let entry = isChanged ? Sample.person(1, title: "Back") : Sample.person(1)
        try await world.synchronize([.upsert(entry), Observation(.present(Sample.id(2)))])
        #expect(await Array(world.problems.keys) == [Sample.id(3)])
        #expect(await world.collector.entries[Sample.id(1)] == entry)
    }

    @Test("a released deletion that the destination puts off is tried again, not held again")
    func releasedAndRefused() async throws {
        let world = try await worldThatHolds()
        await world.collector.dictate(.waiting(reason: "not empty"), for: Sample.id(1))
        let problem = try #require(await world.problems[Sample.id(1)])
        try await release(problem, in: world)
        try await world.synchronize([.upsert(Sample.person(7))])
        #expect(await world.problems[Sample.id(1)]?.kind == .waiting)
        await world.collector.dictate(nil, for: Sample.id(1))
        try await world.synchronize()
        #expect(await world.collector.entries[Sample.id(1)] == nil)
    }

    /// Three entries, whose deletions are held because they are more than two.
    private func worldThatHolds() async throws -> World {
        var world = World()
        world.deletionGuard = DeletionGuard(count: 2, percent: 100)
        try await world.fill(1..<4)
        try await world.refresh(1, showing: [])
        try #require(await world.problems.count == 3)
        return world
    }

    /// What `interorg problems release` does.
    private func release(_ problem: Problem, in world: World) async throws {
        try await change(problem, in: world) { $0.nextAttempt = world.clock.now }
    }

    /// What `interorg problems refuse` does.
    private func refuse(_ problem: Problem, in world: World) async throws {
        try await change(problem, in: world) { $0.kind = .kept }
    }

    private func change(_ problem: Problem, in world: World, _ decide: (inout Problem) -> Void) async throws {
        var decided = problem
        decide(&decided)
        var step = Step(now: world.clock.now)
        step.problems = [decided]
        await world.state.commit(step)
    }
}
