import AddressBook
import Foundation
import GRDB
import IncrementalSync
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("Places in a directory")
struct PlaceTests {
    let store: ServiceStore

    init() throws {
        store = try temporaryStore()
    }

    private func place(_ text: String) -> Place { Place(key: text.lowercased(), text: text) }

    /// Entries and where they stand, recorded in one step of a stream's synchronization.
    private func record(_ places: [(Entry, String)], _ stream: ChangeStream, name: String = "test") async throws {
        var step = Step(now: Sample.now)
        step.exchanged = places.map { Sample.record($0, home: place($1)) }
        try await store.state(name, stream).commit(step)
    }

    private func text(of number: Int) async throws -> String? {
        try await store.state().sourceIndex.places(of: [Sample.id(number)])[Sample.id(number)]?.text
    }

    @Test("an entry is found at its place, and its place by the entry, whichever synchronization knows it")
    func lookup() async throws {
        try await record([(Sample.person(1), "CN=A,DC=x")], .contents, name: "other")
        let state = try await store.state()
        let found = try await state.sourceIndex.entries(at: ["cn=a,dc=x", "CN=A,DC=x", "cn=b,dc=x"])
        #expect(found == ["cn=a,dc=x": KnownEntry(id: Sample.id(1), label: "Person 1")])
        #expect(
            try await state.sourceIndex.places(of: [Sample.id(1), Sample.id(2)]) == [
                Sample.id(1): place("CN=A,DC=x")
            ])
        #expect(try await state.sourceIndex.entries(at: []) == [:])
        #expect(try await state.sourceIndex.places(of: []) == [:])
    }

    @Test("an entry is found at its place, whatever is in its name")
    func awkwardNames() async throws {
        let names = [
            "cn=a\\2cb,dc=x", "cn=\"q\",dc=x", "cn=mu\u{308}ller \u{1F98A},dc=x", "cn=a\nb,dc=x", "cn='',dc=x",
        ]
        let placed = names.enumerated().map { (Sample.person($0.offset), $0.element) }
        try await record(placed, .contents)
        let found = try await store.state().sourceIndex.entries(at: names)
        #expect(names.map { found[$0]?.id } == placed.map(\.0.id))
    }

    @Test("what is below a container that is renamed goes with it, and nothing else does")
    func renamed() async throws {
        try await record(
            [(Sample.container(1), "OU=Sales,DC=x"), (Sample.container(2), "OU=Inner,OU=Sales,DC=x")], .hierarchy)
        try await record(
            [
                (Sample.person(3), "CN=A,OU=Sales,DC=x"), (Sample.person(4), "CN=B,OU=Inner,OU=Sales,DC=x"),
                (Sample.person(5), "CN=C,OU=PreSales,DC=x"), (Sample.person(6), "CN=OU=Sales,DC=x"),
            ], .contents)
        try await record([(Sample.container(1), "OU=Dealers,DC=x")], .hierarchy)
        #expect(try await text(of: 1) == "OU=Dealers,DC=x")
        #expect(try await text(of: 2) == "OU=Inner,OU=Dealers,DC=x")
        #expect(try await text(of: 3) == "CN=A,OU=Dealers,DC=x")
        #expect(try await text(of: 4) == "CN=B,OU=Inner,OU=Dealers,DC=x")
        #expect(try await text(of: 5) == "CN=C,OU=PreSales,DC=x")
        #expect(try await text(of: 6) == "CN=OU=Sales,DC=x")
        let found = try await store.state().sourceIndex.entries(at: ["cn=b,ou=inner,ou=dealers,dc=x"])
        #expect(found.values.map(\.id) == [Sample.id(4)])
    }

    @Test("containers that change places keep what is in them")
    func swapped() async throws {
        try await record([(Sample.container(1), "OU=P,DC=x"), (Sample.container(2), "OU=Q,DC=x")], .hierarchy)
        try await record([(Sample.person(3), "CN=A,OU=P,DC=x"), (Sample.person(4), "CN=B,OU=Q,DC=x")], .contents)
        try await record([(Sample.container(1), "OU=Q,DC=x"), (Sample.container(2), "OU=R,DC=x")], .hierarchy)
        #expect(try await text(of: 3) == "CN=A,OU=Q,DC=x")
        #expect(try await text(of: 4) == "CN=B,OU=R,DC=x")
        try await record([(Sample.container(1), "OU=R,DC=x"), (Sample.container(2), "OU=Q,DC=x")], .hierarchy)
        #expect(try await text(of: 3) == "CN=A,OU=R,DC=x")
        #expect(try await text(of: 4) == "CN=B,OU=Q,DC=x")
        #expect(try await text(of: 1) == "OU=R,DC=x")
        #expect(try await text(of: 2) == "OU=Q,DC=x")
    }

    @Test("a container and one inside it may be renamed together, in either order", arguments: [false, true])
    func nested(isInnerFirst: Bool) async throws {
        try await record([(Sample.container(1), "OU=P,DC=x"), (Sample.container(2), "OU=C,OU=P,DC=x")], .hierarchy)
        try await record([(Sample.person(3), "CN=A,OU=C,OU=P,DC=x"), (Sample.person(4), "CN=B,OU=P,DC=x")], .contents)
        let moves = [(Sample.container(1), "OU=P2,DC=x"), (Sample.container(2), "OU=D,OU=P2,DC=x")]
        try await record(isInnerFirst ? moves.reversed() : moves, .hierarchy)
        #expect(try await text(of: 3) == "CN=A,OU=D,OU=P2,DC=x")
        #expect(try await text(of: 4) == "CN=B,OU=P2,DC=x")
        #expect(try await text(of: 2) == "OU=D,OU=P2,DC=x")
    }

    @Test("an entry whose content was made from something that has changed since is stale, and no other is")
    func stale() async throws {
        let known = KnownEntry(id: Sample.id(1), label: "Person 1")
        let references: [EntryID: [ResolvedReference]] = [
            Sample.id(10): [ResolvedReference(place: "cn=a", found: known)],
            Sample.id(11): [ResolvedReference(place: "cn=a", found: KnownEntry(id: Sample.id(1), label: "Old name"))],
            Sample.id(12): [ResolvedReference(place: "cn=a", found: KnownEntry(id: Sample.id(2), label: "Person 1"))],
            Sample.id(13): [ResolvedReference(place: "cn=a", found: nil)],
            Sample.id(14): [ResolvedReference(place: "cn=nobody", found: nil)],
            Sample.id(15): [ResolvedReference(place: "cn=gone", found: known)],
            Sample.id(16): [
                ResolvedReference(place: "cn=a", found: known), ResolvedReference(place: "cn=gone", found: known),
            ],
        ]
        try await record([(Sample.person(1), "CN=A")], .contents, name: "other")
        let people = (10...16).map { Sample.record(Sample.person($0)) }
        try await store.commit {
            $0.exchanged = people
            $0.references = references
        }
        let state = try await store.state()
        let expected = [11, 12, 13, 15, 16].map { Sample.id($0) }
        #expect(try await state.sourceIndex.staleReferrers(after: nil, limit: 10) == expected)
        #expect(try await state.sourceIndex.staleReferrers(after: nil, limit: 2) == Array(expected.prefix(2)))
        #expect(
            try await state.sourceIndex.staleReferrers(after: expected[1], limit: 10)
                == Array(expected.dropFirst(2)))
        #expect(try await store.state("other").sourceIndex.staleReferrers(after: nil, limit: 10) == [])
        // Nobody can be after one that is gone.
        try await store.commit { $0.deleted = [expected[1]] }
        #expect(
            try await state.sourceIndex.staleReferrers(after: expected[1], limit: 10)
                == expected.filter { $0 != expected[1] })
    }

    @Test("the references of an entry that comes, changes, goes and comes again are those that it has now")
    func referencesFollow() async throws {
        let here = KnownEntry(id: Sample.id(1), label: "Person 1")
        let record = Sample.record(Sample.person(10))
        func refer(to place: String) async throws {
            try await store.commit {
                $0.exchanged = [record]
                $0.references = [Sample.id(10): [ResolvedReference(place: place, found: here)]]
            }
        }
        func expectFollowed(_ place: String) async throws {
            try await self.record([(Sample.person(1), place)], .contents, name: "other")
            try await refer(to: place)
            #expect(try await store.state().sourceIndex.staleReferrers(after: nil, limit: 10) == [])
            try await self.record([(Sample.person(1), "cn=elsewhere")], .contents, name: "other")
            #expect(try await store.state().sourceIndex.staleReferrers(after: nil, limit: 10) == [Sample.id(10)])
        }
        try await expectFollowed("cn=a")
        try await expectFollowed("cn=b")
        // Its record gets the number that it had.
        try await store.commit { $0.deleted = [Sample.id(10)] }
        #expect(try await store.state().sourceIndex.staleReferrers(after: nil, limit: 10) == [])
        try await expectFollowed("cn=c")
    }

    @Test("the references of an entry stay where a step says nothing of them: it was tried again, or moved")
    func referencesStay() async throws {
        let record = Sample.record(Sample.person(10))
        let here = KnownEntry(id: Sample.id(1), label: "Person 1")
        try await self.record([(Sample.person(1), "cn=a")], .contents, name: "other")
        try await store.commit {
            $0.exchanged = [record]
            $0.references = [Sample.id(10): [ResolvedReference(place: "cn=a", found: here)]]
        }
        try await store.commit { $0.exchanged = [record] }
        try await self.record([(Sample.person(1), "cn=b")], .contents, name: "other")
        #expect(try await store.state().sourceIndex.staleReferrers(after: nil, limit: 10) == [Sample.id(10)])
    }

    @Test("however much is below a container, it goes with it")
    func renamedWithMany() async throws {
        try await record([(Sample.container(1), "OU=Old,DC=x")], .hierarchy)
        try await record((2...2_502).map { (Sample.person($0), "CN=P\($0),OU=Old,DC=x") }, .contents)
        try await record([(Sample.container(1), "OU=New,OU=Old,DC=x")], .hierarchy)
        let ids = (2...2_502).map { Sample.id($0) }
        let places = try await store.state().sourceIndex.places(of: ids)
        #expect(ids.allSatisfy { places[$0]?.text.hasSuffix(",OU=New,OU=Old,DC=x") == true })
        #expect(ids.allSatisfy { places[$0]?.text.contains("New,OU=New") == false })
    }

    @Test("entries whose places share a hash are told apart")
    func sharedHash() async throws {
        let database = try DatabaseQueue()
        let store = try ServiceStore(database: database)
        var step = Step(now: Sample.now)
        step.exchanged = [
            Sample.record(Sample.person(1), home: place("CN=A")), Sample.record(Sample.person(2), home: place("CN=B")),
        ]
        let state = try await store.state()
        try await state.commit(step)
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE exchange_record
                    SET home_hash = (SELECT home_hash FROM exchange_record WHERE home = 'CN=A')
                    """)
        }
        #expect(try await state.sourceIndex.entries(at: ["cn=a"]).mapValues(\.id) == ["cn=a": Sample.id(1)])
    }

    @Test("reading a stale entry again, or deleting it, ends that")
    func staleNoMore() async throws {
        let gone = ResolvedReference(place: "cn=gone", found: KnownEntry(id: Sample.id(1), label: "Person 1"))
        let people = [10, 11, 12].map { Sample.record(Sample.person($0)) }
        try await store.commit {
            $0.exchanged = people
            $0.references = [Sample.id(10): [gone], Sample.id(11): [gone], Sample.id(12): [gone]]
        }
        try await store.commit {
            $0.references = [
                Sample.id(10): [ResolvedReference(place: "cn=gone", found: nil)], Sample.id(11): [],
                Sample.id(12): [gone],
            ]
            $0.exchanged = [people[1]]
            $0.deleted = [Sample.id(12)]
        }
        #expect(try await store.state().sourceIndex.staleReferrers(after: nil, limit: 10) == [])
    }
}
