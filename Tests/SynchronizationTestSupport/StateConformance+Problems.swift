import AddressBook
import Foundation
import IncrementalSync

extension StateConformance {
    static let problems: [StateConformance] = [
        StateConformance("a problem is read back whole, with its change") { state in
            let upsert = Sample.problem(.upsert(Sample.person(1, title: Value([0xFF, 0x00]))), .waiting)
            let delete = Sample.problem(.delete(Sample.id(2)), .held, nextAttempt: nil)
            try await state.commit(.made { $0.problems = [upsert, delete] })
            let found = try await state.problems([upsert.id, delete.id, Sample.id(3)])
            try expect(found, is: [upsert.id: upsert, delete.id: delete], "problems")
        },
        StateConformance("a later problem of an entry takes the place of the earlier one") { state in
            try await state.commit(.made { $0.problems = [Sample.problem(.upsert(Sample.person(1)))] })
            let later = Sample.problem(.delete(Sample.id(1)), .held, nextAttempt: nil)
            try await state.commit(.made { $0.problems = [later] })
            try expect(await state.problems([later.id]), is: [later.id: later], "problems")
        },
        StateConformance("a solved problem is gone") { state in
            let problems = [1, 2].map { Sample.problem(.upsert(Sample.person($0))) }
            try await state.commit(.made { $0.problems = problems })
            try await state.commit(.made { $0.solved = [Sample.id(1)] })
            let found = try await state.problems([Sample.id(1), Sample.id(2)])
            try expect(found, is: [Sample.id(2): problems[1]], "problems")
        },
        StateConformance("problems are due when their time has come, the oldest first, so many at most") { state in
            let moments: [Date?] = [Sample.now + 1, Sample.now, nil, Sample.now - 2, Sample.now - 1]
            let problems = moments.enumerated().map { number, moment in
                Sample.problem(.upsert(Sample.person(number)), nextAttempt: moment)
            }
            try await state.commit(.made { $0.problems = problems })
            let due = try await state.dueProblems(now: Sample.now, limit: 10)
            try expect(due, is: [problems[3], problems[4], problems[1]], "due")
            try expect(await state.dueProblems(now: Sample.now, limit: 2), is: Array(due.prefix(2)), "due, two at most")
        },
    ]

    static let refreshes: [StateConformance] = [
        StateConformance("what a refresh has neither seen nor changed is unseen, per organization") { state in
            let other = Sample.person(5, of: Sample.otherOrganization)
            let entries = (1...4).map { Sample.person($0) } + [other]
            try await state.commit(.made { $0.exchanged = entries.map { Sample.record($0) } })
            try await state.commit(
                .made {
                    $0.refresh = Sample.refresh(1)
                    $0.seen = [Sample.id(1)]
                    $0.exchanged = [Sample.record(Sample.person(2, title: "New"))]
                })
            let unseen = try await state.unseen(in: Sample.refresh(1), limit: 10)
            try expect(Set(unseen), is: [Sample.id(3), Sample.id(4), other.id], "unseen")
            try expect(await state.unseen(in: Sample.refresh(1), limit: 2).count, is: 2, "two at most")
            let counts = try await state.unseenCounts(in: Sample.refresh(1))
            try expect(counts, is: [Sample.organization: 2, Sample.otherOrganization: 1], "counts")
            let summary = try await state.summary(seenIn: Sample.refresh(1))
            try expect(summary, is: SetSummary([Sample.id(2), Sample.id(1)]), "summary")
        },
        StateConformance("a deletion that is a problem is not unseen again; a refused entry counts as seen") { state in
            let records = (1...3).map { Sample.record(Sample.person($0)) }
            let refused = ExchangeRecord(id: Sample.id(4), digest: nil)
            let problems = [
                Sample.problem(.delete(Sample.id(1)), .held, nextAttempt: nil),
                Sample.problem(.upsert(Sample.person(2))), Sample.problem(.upsert(Sample.person(4))),
            ]
            try await state.commit(
                .made {
                    $0.refresh = Sample.refresh(1)
                    $0.exchanged = records + [refused]
                    $0.problems = problems
                })
            let summary = try await state.summary(seenIn: Sample.refresh(1))
            try expect(summary, is: SetSummary([2, 3, 4].map { Sample.id($0) }), "summary")
            let unseen = try await state.unseen(in: Sample.refresh(2), limit: 10)
            try expect(Set(unseen), is: Set([2, 3, 4].map { Sample.id($0) }), "unseen in the next refresh")
            try expect(await state.unseenCounts(in: Sample.refresh(2)), is: [Sample.organization: 3], "counts")
        },
        StateConformance("seeing an entry that has no record makes none") { state in
            try await state.commit(
                .made {
                    $0.refresh = Sample.refresh(1)
                    $0.seen = [Sample.id(1)]
                })
            try expect(await state.records([Sample.id(1)]), is: [:], "records")
            try expect(await state.summary(seenIn: Sample.refresh(1)), is: SetSummary(), "summary")
        },
        StateConformance("a step outside a refresh leaves the marks of the last one") { state in
            try await state.commit(
                .made {
                    $0.refresh = Sample.refresh(1)
                    $0.exchanged = [Sample.record(Sample.person(1)), Sample.record(Sample.person(2))]
                })
            try await state.commit(
                .made {
                    $0.seen = [Sample.id(1)]
                    $0.exchanged = [Sample.record(Sample.person(2, title: "New"))]
                })
            try expect(await state.unseen(in: Sample.refresh(1), limit: 10), is: [], "unseen in the old refresh")
        },
        StateConformance("a step's parts are one: what it deletes, solves and records is there together") { state in
            let before = [1, 2].map { Sample.problem(.delete(Sample.id($0)), .refused) }
            try await state.commit(
                .made {
                    $0.exchanged = [1, 2].map { Sample.record(Sample.person($0)) }
                    $0.problems = before
                })
            try await state.commit(
                .made {
                    $0.deleted = [Sample.id(1)]
                    $0.solved = [Sample.id(1)]
                    $0.problems = [Sample.problem(.delete(Sample.id(2)), .waiting)]
                    $0.cursor = Cursor(bytes: [1])
                })
            let problems = try await state.problems([Sample.id(1), Sample.id(2)])
            try expect(problems.mapValues(\.kind), is: [Sample.id(2): .waiting], "problems")
            try expect(await state.unseen(in: Sample.refresh(1), limit: 10), is: [], "unseen")
            try expect(await state.cursor(), is: Cursor(bytes: [1]), "cursor")
        },
    ]
}
