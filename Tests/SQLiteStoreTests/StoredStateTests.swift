import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("The stored state of a synchronization")
struct StoredStateTests {
    @Test("keeps the promises of a synchronization state", arguments: StateConformance.all)
    func conforms(_ promise: StateConformance) async throws {
        try await promise.check(temporaryStore().state())
    }

    @Test("keeps them beside other synchronizations of the service", arguments: StateConformance.all)
    func conformsBesideOthers(_ promise: StateConformance) async throws {
        let store = try temporaryStore()
        for other in try await [store.state("other"), store.state("test", .hierarchy)] {
            var step = Step(now: Sample.now - 10)
            step.cursor = Cursor(bytes: [7])
            step.refresh = Sample.refresh(1)
            step.exchanged = (1...9).map { Sample.record(Sample.person($0)) }
            step.problems = [
                Sample.problem(.upsert(Sample.person(1))), Sample.problem(.delete(Sample.id(2)), .waiting),
            ]
            try await other.commit(step)
            step = Step(now: Sample.now)
            step.deleted = [Sample.id(9)]
            try await other.commit(step)
        }
        try await promise.check(store.state())
    }

    @Test("is what it was after the file is opened again")
    func reopened() async throws {
        try await withStorePath { path in
            let record = Sample.record(Sample.person(1), home: Place(key: "k", text: "K"))
            try await ServiceStore(path: path).commit {
                $0.cursor = Cursor(bytes: [1, 2])
                $0.exchanged = [record]
            }
            let state = try await ServiceStore(path: path).state()
            #expect(try await state.cursor() == Cursor(bytes: [1, 2]))
            #expect(try await state.records([record.id]) == [record.id: record])
        }
    }

    @Test("takes an entry over from another part of the same directory, with its held deletion")
    func takenOver() async throws {
        let store = try temporaryStore()
        let ends = SynchronizationEnds(source: "directory")
        let parts = [
            try await StoredSynchronizationState.open("export/1", .contents, ends, in: store),
            try await StoredSynchronizationState.open("export/2", .contents, ends, in: store),
        ]
        let elsewhere = try await StoredSynchronizationState.open("import", .contents, in: store)
        var step = Step(now: Sample.now)
        step.exchanged = [1, 2].map { Sample.record(Sample.person($0)) }
        for state in [parts[0], elsewhere] { try await state.commit(step) }
        step.exchanged = []
        step.problems = [1, 2].map { Sample.problem(.delete(Sample.id($0)), .held) }
        try await parts[0].commit(step)

        step = Step(now: Sample.now)
        step.exchanged = [Sample.record(Sample.person(1)), ExchangeRecord(id: Sample.id(2), digest: nil)]
        try await parts[1].commit(step)
        let ids = [Sample.id(1), Sample.id(2)]
        // The second was refused, so it has not arrived.
        #expect(try await Set(parts[0].records(ids).keys) == [Sample.id(2)])
        #expect(try await Set(parts[0].problems(ids).keys) == [Sample.id(2)])
        #expect(try await elsewhere.records(ids).count == 2)
    }

    @Test("is forgotten when a part of the directory has nothing left that it knows")
    func forgotten() async throws {
        let store = try temporaryStore()
        let part = try await StoredSynchronizationState.open("export/a", .contents, in: store)
        let names = { try await StoredSynchronizationState.names(beginning: "export/", in: store) }
        var step = Step(now: Sample.now)
        step.exchanged = [Sample.record(Sample.person(1))]
        try await part.commit(step)
        try await StoredSynchronizationState.forgetEmpty("export/a", in: store)
        #expect(try await names() == ["export/a"])
        step = Step(now: Sample.now)
        step.deleted = [Sample.id(1)]
        try await StoredSynchronizationState.open("export/a", .contents, in: store).commit(step)
        try await StoredSynchronizationState.forgetEmpty("export/a", in: store)
        #expect(try await names().isEmpty)
        // Its number is another one's now.
        let other = try await StoredSynchronizationState.open("export/b", .contents, in: store)
        let again = try await StoredSynchronizationState.open("export/a", .contents, in: store)
        step = Step(now: Sample.now)
        step.exchanged = [Sample.record(Sample.person(2))]
        try await again.commit(step)
        #expect(try await other.records([Sample.id(2)]).isEmpty)
        #expect(try await again.records([Sample.id(2)]).count == 1)
    }

    @Test("counts the entries of each organization that the destination has")
    func entryCounts() async throws {
        let store = try temporaryStore()
        let other = Sample.person(3, of: Sample.otherOrganization)
        try await store.commit {
            $0.exchanged = [Sample.person(1), Sample.person(2), other].map { Sample.record($0) }
            $0.exchanged.append(ExchangeRecord(id: Sample.id(4), digest: nil))
        }
        let counts = try await store.state().entryCounts()
        #expect(counts == [Sample.organization: 2, Sample.otherOrganization: 1])
    }

    /// Something in every table that a step writes to.
    @Sendable
    private static func everything(_ step: inout Step) {
        step.cursor = Cursor(bytes: [9])
        step.refresh = Sample.refresh(1)
        step.exchanged = [Sample.record(Sample.person(1))]
        step.references = [Sample.id(1): [ResolvedReference(place: "cn=nobody", found: nil)]]
        step.deleted = [Sample.id(2)]
        step.appended = [.upsert(Sample.person(1)), .delete(Sample.id(2))]
        step.posted = [OutgoingMessage(recipient: Sample.otherOrganization, request: 2, payload: [2])]
        step.solved = [Sample.id(3)]
        step.problems = [Sample.problem(.upsert(Sample.person(4)))]
    }

    /// What there is before that step.
    @Sendable
    private static func before(_ store: ServiceStore) async throws {
        try await store.commit {
            $0.cursor = Cursor(bytes: [1])
            $0.exchanged = [Sample.record(Sample.person(2))]
            $0.appended = [.upsert(Sample.person(2))]
            $0.posted = [OutgoingMessage(recipient: Sample.otherOrganization, request: 1, payload: [1])]
            $0.problems = [Sample.problem(.upsert(Sample.person(3)))]
        }
    }

    private func expectNothing(of store: ServiceStore) async throws {
        let state = try await store.state()
        #expect(try await state.cursor() == Cursor(bytes: [1]))
        #expect(try await Set(state.records((1...4).map { Sample.id($0) }).keys) == [Sample.id(2)])
        #expect(try await Set(state.problems((1...4).map { Sample.id($0) }).keys) == [Sample.id(3)])
        #expect(try await state.sourceIndex.staleReferrers(after: nil, limit: 10) == [])
        #expect(try await state.deletionCount(of: Sample.organization, since: .distantPast) == 0)
        #expect(try await ChangeLog(store: store).line().highest == 1)
        let message = try await Outbox(store: store).next(for: Sample.otherOrganization)
        #expect(message?.payload == [1])
    }

    @Test(
        "nothing of a step is there when any part of its transaction fails",
        arguments: ["exchange_record", "reference", "deletion", "log_entry", "outbox", "problem"])
    func atomic(table: String) async throws {
        let store = try await storeWithout(insertionsInto: table, filledBy: Self.before)
        await #expect(throws: (any Error).self) { try await store.commit(Self.everything) }
        try await expectNothing(of: store)
    }

    @Test("nothing of a step is there when the world stops before its transaction, all of it when after")
    func stopped() async throws {
        struct Stop: Error {}
        for phase in [ServiceStore.CommitPhase.before, .after] {
            let isArmed = Flag()
            let store = try temporaryStore { reached in
                if isArmed.isSet, reached == phase { throw Stop() }
            }
            try await Self.before(store)
            isArmed.set(true)
            await #expect(throws: Stop.self) { try await store.commit(Self.everything) }
            isArmed.set(false)
            if phase == .before {
                try await expectNothing(of: store)
                try await store.commit(Self.everything)
            }
            let state = try await store.state()
            #expect(try await state.cursor() == Cursor(bytes: [9]))
            #expect(try await Set(state.records((1...4).map { Sample.id($0) }).keys) == [Sample.id(1)])
            #expect(try await ChangeLog(store: store).line().highest == 3)
        }
    }
}

@Suite("The rules that entries are written by")
struct ImportRulesTests {
    @Test("have everything asked for and written anew when they change, and only then")
    func change() async throws {
        let store = try temporaryStore()
        let state = try await StoredSynchronizationState.open("import", .contents, in: store)
        try await state.follow(rules: "flat")
        let id = Sample.id(1)
        var step = Step(now: Sample.now)
        step.cursor = IncrementalSync.Cursor(number: 7)
        step.exchanged = [ExchangeRecord(id: id, digest: Sample.person(1).digest)]
        try await state.commit(step)
        try await state.follow(rules: "flat")
        #expect(try await state.cursor()?.number == 7)
        #expect(try await state.records([id])[id]?.digest == Sample.person(1).digest)

        try await state.follow(rules: "mirroring")
        #expect(try await state.cursor() == nil)
        #expect(try await state.records([id])[id]?.digest != Sample.person(1).digest)
        // The destination has it, all the same: the guard counts it.
        #expect(try await state.entryCount(of: id.organization) == 1)
    }
}

@Suite("The sums of what has come")
struct ReceivedSumTests {
    private let store: ServiceStore

    init() throws { store = try temporaryStore() }

    private func state() async throws -> StoredSynchronizationState {
        try await StoredSynchronizationState.open(
            "import", .contents, SynchronizationEnds(destination: "directory"), in: store)
    }

    private func commit(_ fill: (inout Step) -> Void) async throws {
        var step = Step(now: Sample.now)
        fill(&step)
        try await state().commit(step)
    }

    private func expectSum(of entries: [Entry], _ comment: Comment) async throws {
        var sum = SetSummary()
        for entry in entries { sum.insert(entry.id, entry.digest) }
        #expect(try await state().summaries()[Sample.organization] ?? SetSummary() == sum, comment)
    }

    @Test("are those of the newest changes, whatever the destination took of them")
    func steps() async throws {
        let (one, two, three) = (Sample.person(1), Sample.person(2), Sample.person(3))
        let changed = Sample.person(1, title: "New")
        try await commit { $0.exchanged = [one, two].map { Sample.record($0) } }
        try await expectSum(of: [one, two], "imported")
        try await commit { $0.exchanged = [Sample.record(changed)] }
        try await expectSum(of: [changed, two], "changed")
        try await commit {
            $0.problems = [Sample.problem(.upsert(three)), Sample.problem(.upsert(one))]
            $0.exchanged = [three, one].map { ExchangeRecord(id: $0.id, digest: nil) }
        }
        try await expectSum(of: [one, two, three], "refused by the destination")
        try await commit { $0.problems = [Sample.problem(.delete(two.id), .held)] }
        try await expectSum(of: [one, three], "a deletion that is held")
        try await commit { $0.solved = [two.id] }
        try await expectSum(of: [one, two, three], "a held deletion that has ended")
        try await commit {
            $0.deleted = [two.id, three.id]
            $0.solved = [three.id]
        }
        try await expectSum(of: [one], "deleted")
    }

    @Test("forget what is to be written anew under other rules, until it comes again")
    func rules() async throws {
        let (one, two) = (Sample.person(1), Sample.person(2))
        try await state().follow(rules: "1")
        try await commit {
            $0.exchanged = [Sample.record(one), ExchangeRecord(id: two.id, digest: nil)]
            $0.problems = [Sample.problem(.upsert(two))]
        }
        try await state().follow(rules: "2")
        try await expectSum(of: [two], "other rules")
        try await commit {
            $0.exchanged = [one, two].map { Sample.record($0) }
            $0.solved = [two.id]
        }
        try await expectSum(of: [one, two], "come again")
    }

    @Test("are not kept of what this side has itself")
    func sources() async throws {
        try await store.commit { $0.exchanged = [Sample.record(Sample.person(1))] }
        #expect(try await store.state().summaries().isEmpty)
    }
}
