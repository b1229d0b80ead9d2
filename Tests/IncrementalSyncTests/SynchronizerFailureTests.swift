import AddressBook
import Foundation
import IncrementalSync
import SynchronizationTestSupport
import Testing

@Suite("A synchronization that is interrupted anywhere")
struct SynchronizerFailureTests {
    /// Everything at once: a change, a deletion, a refusal, an entry that waits, and a refresh with something missing.
    static let source = ListedSource([
        ChangeBatch(observations: [.upsert(Sample.person(1, title: "New")), .delete(Sample.id(2))]),
        ChangeBatch(observations: [.upsert(Sample.person(5)), .upsert(Sample.person(6))]),
        ChangeBatch(
            observations: [Observation(.present(Sample.id(1))), .upsert(Sample.person(7))], refresh: Sample.refresh(1)),
        ChangeBatch(
            observations: [.upsert(Sample.person(5)), .upsert(Sample.person(6))], refresh: Sample.refresh(1),
            completesRefresh: true),
    ])

    @Test("goes on from the state and ends as if it had not been", arguments: Faults.Phase.allCases)
    func everyCall(phase: Faults.Phase) async throws {
        let expected = try await result(of: Faults(call: .max, phase))
        #expect(Set(expected.entries.keys) == Set([1, 6, 7].map { Sample.id($0) }))
        #expect(Set(expected.records.keys) == Set([1, 5, 6, 7].map { Sample.id($0) }))
        #expect(expected.problems == [Sample.id(5): .refused])
        var call = 1
        while true {
            let faults = Faults(call: call, phase)
            let actual = try await result(of: faults)
            guard faults.hasFailed else { break }
            #expect(actual == expected, "call \(call) failed")
            call += 1
        }
        #expect(call > 20)
    }

    struct Result: Equatable {
        var entries: [EntryID: Entry]
        var records: [EntryID: ExchangeRecord]
        var problems: [EntryID: Problem.Kind]
        var cursor: Cursor?
    }

    /// The destination and the state after as many attempts as it takes.
    private func result(of faults: Faults) async throws -> Result {
        let world = World()
        try await world.fill(1..<5)
        var start = Step(now: Sample.now)
        start.cursor = .batch(0)
        await world.state.commit(start)
        await world.collector.dictate(.refused(reason: "no"), for: Sample.id(5))
        let synchronizer = Synchronizer(
            from: FaultySource(Self.source, faults), to: FaultyCollector(world.collector, faults),
            state: FaultyState(world.state, faults), deletionGuard: world.deletionGuard, now: { Sample.now })
        do {
            _ = try await synchronizer.synchronize()
        } catch is Faults.Failure {
            _ = try await synchronizer.synchronize()
        }
        return Result(
            entries: await world.collector.entries,
            records: await world.state.records((0..<10).map { Sample.id($0) }),
            problems: await world.problems.mapValues(\.kind), cursor: await world.state.cursor())
    }
}
