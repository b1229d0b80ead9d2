import AddressBook
import Foundation
import IncrementalSync
import SynchronizationTestSupport
import Testing

@Suite("One bad entry is one problem")
struct SynchronizerProblemTests {
    let world = World()

    @Test("a refused entry is a problem with its reason, and the rest goes on")
    func refused() async throws {
        await world.collector.dictate(.refused(reason: "no surname"), for: Sample.id(2))
        let report = try await world.synchronize((1..<4).map { .upsert(Sample.person($0)) })
        #expect(await Set(world.collector.entries.keys) == [Sample.id(1), Sample.id(3)])
        let problem = try #require(await world.problems[Sample.id(2)])
        #expect(await world.problems.count == 1)
        #expect(problem.kind == .refused && problem.reason == "no surname" && problem.label == "Person 2")
        #expect(report.refused == 1 && report.imported == 2)
        #expect(await world.state.cursor() == .batch(1))
    }

    @Test("a refusal is tried again after 30 s, then after twice as long each time, a day at most")
    func backoff() async throws {
        await world.collector.dictate(.refused(reason: "no"), for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1))])
        for wait in [30.0, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720, 61440, 86400, 86400] {
            let attempts = try #require(await world.problems[Sample.id(1)]).attempts
            world.clock.advance(seconds: wait - 1)
            try await world.synchronize()
            #expect(await world.problems[Sample.id(1)]?.attempts == attempts, "not before \(wait) s")
            world.clock.advance(seconds: 1)
            try await world.synchronize()
            #expect(await world.problems[Sample.id(1)]?.attempts == attempts + 1, "after \(wait) s")
        }
        #expect(await world.problems[Sample.id(1)]?.firstSeen == Sample.now)
        #expect(await world.problems[Sample.id(1)]?.lastSeen == world.clock.now)
    }

    @Test("a problem ends when the destination takes the entry")
    func solvedByRetry() async throws {
        await world.collector.dictate(.refused(reason: "no"), for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1))])
        await world.collector.dictate(nil, for: Sample.id(1))
        world.clock.advance(seconds: 30)
        try await world.synchronize()
        #expect(await world.problems.isEmpty)
        #expect(await world.collector.entries == [Sample.id(1): Sample.person(1)])
        #expect(await world.state.entryCount(of: Sample.organization) == 1)
    }

    @Test("a change of a refused entry is tried at once, and ends the problem")
    func solvedByChange() async throws {
        await world.collector.dictate(.refused(reason: "no"), for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1))])
        await world.collector.dictate(nil, for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1, title: "Better"))])
        #expect(await world.problems.isEmpty)
        #expect(await world.collector.entries[Sample.id(1)]?[.title] == ["Better"])
    }

    @Test("an entry that waits is tried again every time")
    func waiting() async throws {
        await world.collector.dictate(.waiting(reason: "its container"), for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1))])
        try await world.synchronize()
        try await world.synchronize()
        #expect(await world.problems[Sample.id(1)]?.attempts == 3)
        await world.collector.dictate(nil, for: Sample.id(1))
        try await world.synchronize()
        #expect(await world.problems.isEmpty)
        #expect(await world.entryCount == 1)
    }

    @Test("an incomplete entry is recorded as imported, and tried again every time until it is whole")
    func incomplete() async throws {
        await world.collector.dictate(.incomplete(nil, reason: "a member"), for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1))])
        let digest = await world.state.records([Sample.id(1)])[Sample.id(1)]?.digest
        #expect(digest == Sample.person(1).digest)
        let problem = try #require(await world.problems[Sample.id(1)])
        #expect(problem.kind == .waiting)
        let report = try await world.synchronize()
        #expect(report.imported == 0)
        #expect(await world.problems[Sample.id(1)]?.attempts == problem.attempts + 1)
        await world.collector.dictate(nil, for: Sample.id(1))
        try await world.synchronize()
        #expect(await world.problems.isEmpty)
    }

    @Test("a refused entry that its source deletes is no problem any more")
    func refusedThenDeleted() async throws {
        await world.collector.dictate(.refused(reason: "no"), for: Sample.id(1))
        try await world.synchronize([.upsert(Sample.person(1))])
        await world.collector.dictate(nil, for: Sample.id(1))
        try await world.synchronize([.delete(Sample.id(1))])
        #expect(await world.problems.isEmpty)
        #expect(await world.state.records([Sample.id(1)]).isEmpty)
    }

    @Test("a refused entry is missing from the destination, not from the source: no refresh deletes it")
    func refusedIsSeen() async throws {
        await world.collector.dictate(.refused(reason: "no"), for: Sample.id(1))
        try await world.refresh(1, showing: [.upsert(Sample.person(1)), .upsert(Sample.person(2))])
        #expect(await world.problems[Sample.id(1)]?.isDeletion == false)
        #expect(await world.collector.offered.joined().allSatisfy { $0.change.entry != nil })
    }
}
