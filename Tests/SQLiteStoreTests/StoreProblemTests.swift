import AddressBook
import Foundation
import IncrementalSync
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("Problems in the store")
struct StoreProblemTests {
    @Test("all problems of a service are listed with their synchronization, the oldest first")
    func listed() async throws {
        let store = try temporaryStore()
        var younger = Sample.problem(.upsert(Sample.person(1)))
        younger.firstSeen = Sample.now + 1
        let older = Sample.problem(.delete(Sample.id(2)), .held, nextAttempt: nil)
        for (name, problem) in [("a", younger), ("b", older)] {
            var step = Step(now: Sample.now)
            step.problems = [problem]
            try await store.state(name).commit(step)
        }
        let listed = try await store.problems()
        #expect(listed.map(\.synchronization) == ["b/contents", "a/contents"])
        #expect(listed.map(\.problem) == [older, younger])
        #expect(try await store.problems(limit: 1).count == 1)
        #expect(try await store.problemCounts() == [Sample.organization: ProblemCount(problems: 1, held: 1)])
    }

    @Test("held deletions that are released are due, others are as they were")
    func released() async throws {
        let store = try temporaryStore()
        try await store.commit {
            $0.problems =
                [1, 2, 3].map { Sample.problem(.delete(Sample.id($0)), .held, nextAttempt: nil) }
                + [Sample.problem(.upsert(Sample.person(4)), nextAttempt: Sample.now + 100)]
        }
        let state = try await store.state()
        #expect(
            try await store.releaseHeldDeletions([Sample.uuid(2), Sample.uuid(4), Sample.uuid(5)], now: Sample.now) == 1
        )
        #expect(try await state.dueProblems(now: Sample.now, limit: 10).map(\.id) == [Sample.id(2)])
        #expect(try await store.releaseHeldDeletions(nil, now: Sample.now) == 2)
        #expect(try await state.dueProblems(now: Sample.now, limit: 10).count == 3)
        #expect(try await store.problemCounts() == [Sample.organization: ProblemCount(problems: 1, held: 0)])
    }

    @Test("problems that are retried are due at once, what is held waits")
    func retried() async throws {
        let store = try temporaryStore()
        try await store.commit {
            $0.problems = [
                Sample.problem(.upsert(Sample.person(1)), nextAttempt: Sample.now + 86_400),
                Sample.problem(.upsert(Sample.person(2)), .waiting, nextAttempt: Sample.now + 1),
                Sample.problem(.delete(Sample.id(3)), .held, nextAttempt: nil),
                Sample.problem(.delete(Sample.id(4)), .kept, nextAttempt: nil),
            ]
        }
        let state = try await store.state()
        let due = { try await state.dueProblems(now: Sample.now, limit: 10).map(\.id.uuid) }
        #expect(try await store.retryProblems([Sample.uuid(1), Sample.uuid(3), Sample.uuid(5)], now: Sample.now) == 1)
        #expect(try await due() == [Sample.uuid(1)])
        #expect(try await store.retryProblems(nil, now: Sample.now) == 2)
        #expect(try await Set(due()) == [Sample.uuid(1), Sample.uuid(2)])
    }

    @Test("a refused deletion counts as nothing, stays listed, and can be released by name")
    func refused() async throws {
        let store = try temporaryStore()
        try await store.commit {
            $0.problems = [1, 2, 3].map { Sample.problem(.delete(Sample.id($0)), .held, nextAttempt: nil) }
        }
        #expect(try await store.releaseHeldDeletions([Sample.uuid(1)], now: Sample.now) == 1)
        #expect(try await store.refuseHeldDeletions(nil) == 2, "what is released has been decided on")
        #expect(try await store.refuseHeldDeletions([Sample.uuid(1)]) == 1, "but has not happened yet")
        #expect(try await store.problems().map(\.problem.kind) == [.kept, .kept, .kept])
        #expect(try await store.problemCounts().isEmpty)
        #expect(try await store.state().dueProblems(now: Sample.now, limit: 10).isEmpty)
        #expect(try await store.releaseHeldDeletions(nil, now: Sample.now) == 0)
        #expect(try await store.releaseHeldDeletions([Sample.uuid(2)], now: Sample.now) == 1)
        #expect(try await store.state().dueProblems(now: Sample.now, limit: 10).map(\.kind) == [.held])
    }

    @Test("held deletions are released up to a number of one organization's, or all stay held")
    func releasedUpTo() async throws {
        let store = try temporaryStore()
        try await store.commit {
            $0.problems =
                (1...3).map { Sample.problem(.delete(Sample.id($0)), .held, nextAttempt: nil) }
                + [Sample.problem(.delete(Sample.id(4, of: Sample.otherOrganization)), .held, nextAttempt: nil)]
        }
        #expect(try await store.releaseHeldDeletions(upTo: 2, now: Sample.now) == 1)
        #expect(try await store.problemCounts() == [Sample.organization: ProblemCount(held: 3)])
        #expect(try await store.releaseHeldDeletions(upTo: 3, now: Sample.now) == 3)
    }

    @Test("a problem is listed with the place of its entry")
    func place() async throws {
        let store = try temporaryStore()
        try await store.commit {
            $0.exchanged = [Sample.record(Sample.person(1), home: Place(key: "uid=1", text: "UID=1"))]
            $0.problems = [1, 2].map { Sample.problem(.upsert(Sample.person($0))) }
        }
        #expect(try await store.problems().map(\.dn) == ["UID=1", nil])
    }

    @Test("a released deletion happens in the next synchronization, from the store as from memory")
    func happens() async throws {
        let store = try temporaryStore()
        try await store.commit {
            $0.exchanged = [Sample.record(Sample.person(1))]
            $0.problems = [Sample.problem(.delete(Sample.id(1)), .held, nextAttempt: nil)]
        }
        let collector = MemoryCollector()
        let synchronizer = Synchronizer(
            from: ListedSource([]), to: collector, state: try await store.state(),
            deletionGuard: DeletionGuard(count: 0),
            now: { Sample.now })
        _ = try await synchronizer.synchronize()
        #expect(await collector.offered.isEmpty)
        _ = try await store.releaseHeldDeletions(nil, now: Sample.now)
        _ = try await synchronizer.synchronize()
        #expect(await collector.offered == [[OfferedChange(.delete(Sample.id(1)))]])
        #expect(try await store.problems().isEmpty)
        #expect(try await store.state().records([Sample.id(1)]).isEmpty)
    }
}
