import AddressBook
import Foundation
import IncrementalSync
import SynchronizationTestSupport
import Testing

@Suite("A field that is emptied in many entries")
struct EmptiedFieldTests {
    let world = EmptiedFieldTests.narrowWorld()

    @Test("a fifth of the entries may lose a field, more may not, and nothing else waits", arguments: [20, 21])
    func limit(count: Int) async throws {
        try await world.fill(0..<100)
        let report = try await world.synchronize(
            (0..<count).map { .upsert(untitled($0)) } + [.upsert(Sample.person(100)), .delete(Sample.id(99))])
        #expect(report.heldChanges == (count == 20 ? 0 : 21))
        #expect(await world.untitledCount == (count == 20 ? 20 : 0))
        #expect(await world.collector.entries[Sample.id(100)] != nil)
        #expect(await world.collector.entries[Sample.id(99)] == nil)
        guard count == 21 else { return }
        let problem = try #require(await world.problems[Sample.id(0)])
        #expect(problem.kind == .held && problem.nextAttempt == nil && problem.label == "Person 0")
        #expect(problem.reason == "change held: title emptied in 21 entries within 24 hours, more than 20 % of 100")
    }

    @Test("percentages count from ten entries on", arguments: [9, 10])
    func smallNumbers(count: Int) async throws {
        try await world.fill(0..<10)
        #expect(try await world.synchronize((0..<count).map { .upsert(untitled($0)) }).held == (count == 9 ? 0 : 10))
    }

    @Test("what is emptied in batches, or bit by bit, counts together for 24 hours")
    func together() async throws {
        try await world.fill(0..<100)
        try await world.synchronize((0..<15).map { .upsert(untitled($0)) }, (15..<20).map { .upsert(untitled($0)) })
        world.clock.advance(seconds: 86_399)
        #expect(try await world.synchronize([.upsert(untitled(20))]).held == 1)
        world.clock.advance(seconds: 1)
        #expect(try await world.synchronize([.upsert(untitled(21))]).held == 0)
    }

    @Test("an entry that never had the field is none that loses it")
    func neverHad() async throws {
        try await world.synchronize((0..<30).map { .upsert(untitled($0)) })
        #expect(try await world.synchronize((0..<30).map { .upsert(untitled($0, name: "Other")) }).held == 0)
    }

    @Test("what is held is imported once it is released, and does not count then")
    func released() async throws {
        try await hold()
        for problem in await world.problems.values {
            var released = problem
            released.nextAttempt = world.clock.now
            try await decide(released)
        }
        try await world.synchronize()
        #expect(await world.problems.isEmpty)
        #expect(await world.untitledCount == 30)
        #expect(try await world.synchronize([.upsert(untitled(50))]).held == 0)
    }

    @Test(
        "what is reported again stays held or refused, with the newest content", arguments: [Problem.Kind.held, .kept])
    func stays(kind: Problem.Kind) async throws {
        try await hold()
        for problem in await world.problems.values {
            var decided = problem
            decided.kind = kind
            try await decide(decided)
        }
        let newer = untitled(1, name: "Newer")
        #expect(try await world.synchronize([.upsert(untitled(0)), .upsert(newer)]).held == 0)
        #expect(await world.problems[Sample.id(1)]?.change == .upsert(newer))
        #expect(await world.problems.values.map(\.kind) == Array(repeating: kind, count: 30))
        #expect(await world.untitledCount == 0)
    }

    @Test("no refresh takes an entry with a held change for one that is gone")
    func isSeen() async throws {
        try await hold()
        for number in 1...2 {
            try await world.refresh(
                number, showing: (0..<30).map { .upsert(untitled($0)) } + (30..<100).map { .upsert(Sample.person($0)) })
        }
        #expect(await world.entryCount == 100)
        #expect(await world.problems.count == 30)
    }

    @Test("it ends when the entry has the field again, as it was or another, or is deleted")
    func ends() async throws {
        try await hold()
        let other = Sample.person(1, title: "Other")
        try await world.synchronize([.upsert(Sample.person(0)), .upsert(other), .delete(Sample.id(2))])
        #expect(await Set(world.problems.keys) == Set((3..<30).map { Sample.id($0) }))
        #expect(await world.collector.entries[Sample.id(1)] == other)
        #expect(await world.collector.entries[Sample.id(2)] == nil)
    }

    /// Thirty changes of a hundred entries.
    private func hold() async throws {
        try await world.fill(0..<100)
        try await world.synchronize((0..<30).map { .upsert(untitled($0)) })
        try #require(await world.problems.count == 30)
    }

    private func decide(_ problem: Problem) async throws {
        var step = Step(now: world.clock.now)
        step.problems = [problem]
        await world.state.commit(step)
    }

    private func untitled(_ number: Int, name: String? = nil) -> Entry {
        var entry = Sample.person(number)
        entry.fields[.title] = nil
        if let name { entry.fields[.displayName] = [Value(name)] }
        return entry
    }

    private static func narrowWorld() -> World {
        var world = World()
        world.deletionGuard = DeletionGuard()
        return world
    }
}

extension World {
    fileprivate var untitledCount: Int { get async { await collector.entries.values.count { $0[.title].isEmpty } } }
}
