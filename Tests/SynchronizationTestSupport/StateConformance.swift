import AddressBook
import Foundation
import IncrementalSync

/// One promise of `SynchronizationState` that every implementation keeps, and its proof on a new, empty state.
public struct StateConformance: Sendable, CustomStringConvertible {
    /// The promise, as a sentence.
    public let description: String
    private let proof: @Sendable (any SynchronizationState) async throws -> Void

    /// Why an implementation does not keep a promise.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public static let all = cursorsAndRecords + counts + problems + refreshes

    init(_ description: String, _ proof: @escaping @Sendable (any SynchronizationState) async throws -> Void) {
        self.description = description
        self.proof = proof
    }

    /// Throws if the state does not keep the promise.
    public func check(_ state: any SynchronizationState) async throws {
        try await proof(state)
    }

    /// Throws unless the two are equal.
    static func expect<Value: Equatable>(_ actual: Value, is expected: Value, _ what: String) throws {
        guard actual == expected else { throw Failure(description: "\(what): \(actual), expected \(expected)") }
    }
}

extension Step {
    /// A step of the sample moment.
    static func made(_ fill: (inout Step) -> Void) -> Step {
        var step = Step(now: Sample.now)
        fill(&step)
        return step
    }
}

extension StateConformance {
    static let cursorsAndRecords: [StateConformance] = [
        StateConformance("a new state knows nothing") { state in
            try expect(await state.cursor(), is: nil, "cursor")
            try expect(await state.records([Sample.id(1)]), is: [:], "records")
            try expect(await state.problems([Sample.id(1)]), is: [:], "problems")
            try expect(await state.unseen(in: Sample.refresh(1), limit: 10), is: [], "unseen")
            try expect(await state.unseenCounts(in: Sample.refresh(1)), is: [:], "unseen counts")
            try expect(await state.summary(seenIn: Sample.refresh(1)), is: SetSummary(), "summary")
        },
        StateConformance("a cursor stays until another is committed") { state in
            try await state.commit(.made { $0.cursor = Cursor(bytes: [0, 255, 10]) })
            try await state.commit(.made { $0.exchanged = [Sample.record(Sample.person(1))] })
            try expect(await state.cursor(), is: Cursor(bytes: [0, 255, 10]), "cursor")
            try await state.commit(.made { $0.cursor = Cursor(bytes: []) })
            try expect(await state.cursor(), is: Cursor(bytes: []), "cursor")
        },
        StateConformance("a record is read back whole, and only to whoever asks for it") { state in
            let place = Place(key: "cn=a,dc=x", text: "CN=A, DC=x")
            let whole = Sample.record(Sample.person(1), home: place)
            let bare = ExchangeRecord(id: Sample.id(2), digest: nil)
            try await state.commit(.made { $0.exchanged = [whole, bare, Sample.record(Sample.person(3))] })
            let records = try await state.records([whole.id, bare.id, Sample.id(4)])
            try expect(records, is: [whole.id: whole, bare.id: bare], "records")
        },
        StateConformance("a later record takes the place of an earlier one") { state in
            try await state.commit(.made { $0.exchanged = [Sample.record(Sample.person(1, title: "Old"))] })
            let later = Sample.record(Sample.person(1, title: "New"), home: Place(key: "k", text: "K"))
            try await state.commit(.made { $0.exchanged = [later] })
            try expect(await state.records([later.id]), is: [later.id: later], "records")
        },
        StateConformance("a deleted entry has no record") { state in
            try await state.commit(.made { $0.exchanged = [1, 2].map { Sample.record(Sample.person($0)) } })
            try await state.commit(.made { $0.deleted = [Sample.id(1)] })
            let left = try await state.records([Sample.id(1), Sample.id(2)])
            try expect(Array(left.keys), is: [Sample.id(2)], "entries")
        },
    ]

    static let counts: [StateConformance] = [
        StateConformance("entries count for their organization once the destination has them") { state in
            let other = Sample.person(3, of: Sample.otherOrganization)
            let refused = ExchangeRecord(id: Sample.id(4), digest: nil)
            let had = [Sample.person(1), Sample.person(2), other].map { Sample.record($0) }
            try await state.commit(.made { $0.exchanged = had + [refused] })
            try expect(await state.entryCount(of: Sample.organization), is: 2, "entries")
            try expect(await state.entryCount(of: Sample.otherOrganization), is: 1, "entries of the other")
            try await state.commit(.made { $0.deleted = [Sample.id(1)] })
            try expect(await state.entryCount(of: Sample.organization), is: 1, "entries after a deletion")
        },
        StateConformance("deletions count for their organization, and only after the moment asked for") { state in
            let ids = [Sample.id(1), Sample.id(2), Sample.id(3, of: Sample.otherOrganization)]
            try await state.commit(.made { $0.deleted = ids })
            let moment = Sample.now
            try expect(await state.deletionCount(of: Sample.organization, since: moment - 1), is: 2, "before")
            try expect(await state.deletionCount(of: Sample.organization, since: moment), is: 0, "at the moment")
            try expect(await state.deletionCount(of: Sample.otherOrganization, since: moment - 86_400), is: 1, "other")
        },
        StateConformance("a deletion that a person has let go does not count") { state in
            try await state.commit(
                .made {
                    $0.deleted = [Sample.id(1), Sample.id(2)]
                    $0.uncounted = [Sample.id(2)]
                })
            let count = try await state.deletionCount(of: Sample.organization, since: .distantPast)
            try expect(count, is: 1, "deletions")
        },
        StateConformance("emptied fields count for their organization, since a moment") { state in
            try await state.commit(.made { $0.emptied = [Sample.organization: [.title: 2, .mail: 1]] })
            var later = Step(now: Sample.now + 86_399)
            later.emptied = [Sample.organization: [.title: 3], Sample.otherOrganization: [.title: 7]]
            try await state.commit(later)
            let both = try await state.emptiedCounts(of: Sample.organization, since: later.now - 86_400)
            try expect(both, is: [.title: 5, .mail: 1], "within 24 hours")
            let last = try await state.emptiedCounts(of: Sample.organization, since: Sample.now)
            try expect(last, is: [.title: 3], "since the first")
        },
        StateConformance("a deletion is remembered for 24 hours") { state in
            try await state.commit(.made { $0.deleted = [Sample.id(1)] })
            var later = Step(now: Sample.now + 86_399)
            later.deleted = [Sample.id(2)]
            try await state.commit(later)
            let count = try await state.deletionCount(of: Sample.organization, since: later.now - 86_400)
            try expect(count, is: 2, "deletions")
        },
    ]
}
