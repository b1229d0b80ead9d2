import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("The log's numbers")
struct ChangeLogTests {
    let store: ServiceStore
    let log: ChangeLog

    init() throws {
        store = try temporaryStore()
        log = ChangeLog(store: store)
    }

    private func numbers(_ stream: ChangeStream = .contents) async throws -> [Int64] {
        try await all(stream).map(\.number)
    }

    private func all(_ stream: ChangeStream = .contents) async throws -> [NumberedChange] {
        try await log.changes(stream, after: 0, through: .max, limit: 1000)
    }

    @Test("every change gets a number greater than every number given before")
    func growing() async throws {
        try await store.append(.upsert(Sample.person(1)), .upsert(Sample.person(2)))
        #expect(try await numbers() == [1, 2])
        try await store.append(.upsert(Sample.person(2, title: "New")))
        try await store.append(.delete(Sample.id(2)))
        #expect(try await numbers() == [1, 4])
        try await store.append(.upsert(Sample.person(3)))
        #expect(try await numbers() == [1, 4, 5])
        #expect(try await log.line().highest == 5)
    }

    @Test("an entry has one number, that of its newest change")
    func newest() async throws {
        let entry = Sample.person(1, title: "New")
        try await store.append(.upsert(Sample.person(1)), .upsert(Sample.person(2)), .upsert(entry))
        #expect(
            try await all() == [
                NumberedChange(number: 2, change: .upsert(Sample.person(2))),
                NumberedChange(number: 3, change: .upsert(entry)),
            ])
    }

    @Test("a deleted entry leaves a tombstone under a number of its own, until it is created again")
    func tombstone() async throws {
        try await store.append(.upsert(Sample.person(1)))
        try await store.append(.delete(Sample.id(1)))
        #expect(try await all() == [NumberedChange(number: 2, change: .delete(Sample.id(1)))])
        #expect(try await log.digests([Sample.id(1)]) == [Sample.id(1): nil])
        #expect(try await log.summary(.contents, view: .all) == SetSummary())
        try await store.append(.upsert(Sample.person(1)))
        #expect(try await all() == [NumberedChange(number: 3, change: .upsert(Sample.person(1)))])
        #expect(try await log.digests([Sample.id(1), Sample.id(2)]) == [Sample.id(1): Sample.person(1).digest])
    }

    @Test("a number is not given twice, not even after the file is opened again")
    func reopened() async throws {
        try await withStorePath { path in
            let first = try ServiceStore(path: path)
            try await first.append(.upsert(Sample.person(1)))
            try await first.append(.delete(Sample.id(1)))
            let second = try ServiceStore(path: path)
            try await second.append(.upsert(Sample.person(2)))
            let changes = try await ChangeLog(store: second).changes(
                .contents, after: 0, through: .max, limit: 10)
            #expect(changes.map(\.number) == [2, 3])
        }
    }

    @Test("hierarchy and contents are two streams under one row of numbers")
    func streams() async throws {
        try await store.append(.upsert(Sample.container(1)), .upsert(Sample.person(2)), .upsert(Sample.container(3)))
        #expect(try await numbers(.hierarchy) == [1, 3])
        #expect(try await numbers(.contents) == [2])
        try await store.append(.delete(Sample.id(1)))
        #expect(try await numbers(.hierarchy) == [3, 4])
    }

    @Test("a reading is above a number, up to another, without an organization's own, so many at most")
    func ranges() async throws {
        try await store.append(
            .upsert(Sample.person(1)), .upsert(Sample.person(2, of: Sample.otherOrganization)),
            .upsert(Sample.person(3)), .upsert(Sample.person(4)))
        func numbers(
            _ after: Int64, _ through: Int64, _ view: View = .all, limit: Int = 10
        ) async throws -> [Int64] {
            try await log.changes(.contents, after: after, through: through, view: view, limit: limit)
                .map(\.number)
        }
        #expect(try await numbers(1, 3) == [2, 3])
        #expect(try await numbers(0, 4, View(excluding: Sample.organization)) == [2])
        #expect(try await numbers(0, 4, View(excluding: Sample.otherOrganization)) == [1, 3, 4])
        #expect(try await numbers(0, 4, limit: 2) == [1, 2])
        #expect(try await numbers(4, 9) == [])
    }

    @Test("a view of some organizations shows nothing of the others")
    func views() async throws {
        try await store.append(.upsert(Sample.person(1)), .upsert(Sample.person(2, of: Sample.otherOrganization)))
        let own = View(only: [Sample.organization])
        #expect(try await log.changes(.contents, after: 0, through: .max, view: own, limit: 9).map(\.number) == [1])
        #expect(try await log.summary(.contents, view: own) == SetSummary([Sample.id(1)]))
        #expect(try await log.summaries(own).keys.sorted { $0.uuid.text < $1.uuid.text } == [Sample.organization])
        #expect(try await log.hasChanges(after: 0, view: own))
        #expect(try await !log.hasChanges(after: 1, view: own))
        #expect(try await !log.hasChanges(after: 0, view: View(only: [])))
        #expect(try await log.hasChanges(after: 1, view: .all))
    }

    @Test("the sums of the organizations are those of the entries that there are")
    func sums() async throws {
        try await store.append(.upsert(Sample.person(1)), .upsert(Sample.person(2)), .delete(Sample.id(3)))
        var changed = Sample.person(1)
        changed.fields[.title] = ["other"]
        try await store.append(.upsert(changed), .delete(Sample.id(2)))
        var expected = SetSummary()
        expected.insert(changed.id, changed.digest)
        #expect(try await log.summaries() == [Sample.organization: expected])
    }

    @Test("tombstones go when all have them, entries never, and the line says up to where")
    func purging() async throws {
        try await store.append(.upsert(Sample.person(1)), .delete(Sample.id(2)), .delete(Sample.id(3)))
        #expect(try await log.purgeTombstones(through: 1) == 0)
        #expect(try await log.line().purgedThrough == nil)
        #expect(try await log.purgeTombstones(through: 2) == 1)
        #expect(try await log.line().purgedThrough == 2)
        let left = try await log.changes(.contents, after: 0, through: .max, limit: 9)
        #expect(left.map(\.number) == [1, 3])
        #expect(try await log.purgeTombstones(through: 2) == 0)
        #expect(try await log.line().highest == 3)
    }

    @Test("a new line has nobody's position in it, and the numbers go on")
    func newLine() async throws {
        try await log.beginIncarnation(id: UUID())
        try await store.append(.upsert(Sample.person(1)))
        let old = try #require(try await log.line().current)
        let position = LogPosition(incarnation: old, number: 1)
        #expect(try await log.line().contains(position))
        try await log.beginNewLine(id: UUID())
        let line = try await log.line()
        #expect(!line.contains(position) && line.highest == 1 && line.incarnations.map(\.first) == [2])
    }

    @Test("entries are counted per organization, with the highest number of each one's changes")
    func contents() async throws {
        try await store.append(
            .upsert(Sample.person(1)), .upsert(Sample.person(2, of: Sample.otherOrganization)),
            .upsert(Sample.person(3)))
        try await store.append(.delete(Sample.id(3)))
        let contents = try await log.contents()
        #expect(contents.mapValues { $0.entries } == [Sample.organization: 1, Sample.otherOrganization: 1])
        #expect(contents.mapValues { $0.highest } == [Sample.organization: 4, Sample.otherOrganization: 2])
        let summary = try await log.summary(.contents, view: View(excluding: Sample.otherOrganization))
        #expect(summary == SetSummary([Sample.id(1)]))
    }

    @Test("every life of the log begins with the first number that it can give")
    func lives() async throws {
        #expect(try await log.line() == IncarnationLine(incarnations: [], highest: 0))
        try await log.beginIncarnation(id: Sample.uuid(1))
        try await log.beginIncarnation(id: Sample.uuid(2))
        try await store.append(.upsert(Sample.person(1)), .upsert(Sample.person(2)))
        try await log.beginIncarnation(id: Sample.uuid(3))
        let lives: [(Int, Int64)] = [(1, 1), (2, 1), (3, 3)]
        let expected = lives.map { Incarnation(id: Sample.uuid($0), first: $1) }
        #expect(try await log.line() == IncarnationLine(incarnations: expected, highest: 2))
    }

    @Test("no more than the newest 200 lives travel")
    func manyLives() async throws {
        for number in 1...203 { try await log.beginIncarnation(id: Sample.uuid(number)) }
        #expect(try await log.line().incarnations.map(\.id) == (4...203).map { Sample.uuid($0) })
    }
}
