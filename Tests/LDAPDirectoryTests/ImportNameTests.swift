import AddressBook
import Foundation
import GRDB
import IncrementalSync
import LDAPClient
import SQLiteStore
import Synchronization
import TestSupport
import Testing

@Suite("The DN that an imported entry gets")
struct ImportNameTests {
    private func withImport(_ body: (DirectoryImport) async throws -> Void) async throws {
        try await withSlapd(.directory()) { server in try await body(DirectoryImport(into: server)) }
    }

    @Test("has a suffix while an entry with a lower ID has its name, and the plain name once that is free")
    func suffix() async throws {
        try await withImport { destination in
            let suffixed = "cn=alice\(EntryID.branch(2).suffix),ou=branch"
            try await destination.synchronize([.person(1, "alice")])
            try await destination.synchronize([.person(2, "alice", [.title: ["The other"]])])
            #expect(try await destination.names() == [suffixed, "uid=alice,ou=branch"])
            #expect(try await destination.problems().isEmpty)
            #expect(try await destination.displaced() == ["\(suffixed) for uid=alice,ou=branch"])
            // The suffix is nothing that an address book shows.
            #expect(try await destination.entry(suffixed)?.text("uid") == "alice")
            #expect(try await destination.entry(suffixed)?.text("displayName") == "alice")

            let before = try await destination.server.contextCSN()
            try await destination.synchronize()
            #expect(try await destination.server.contextCSN() == before)

            try await destination.synchronize([.delete(1)])
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
            let plain = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(plain.text("title") == "The other")
            #expect(Set(plain["cn"]) == ["alice"].directoryValues)
            #expect(try await destination.displaced().isEmpty)
        }
    }

    /// The result is that of the entries, not of the order in which they came.
    @Test(
        "is that of the entry with the lowest ID, in whatever order they come",
        arguments: [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
    func order(of numbers: [Int]) async throws {
        try await withImport { destination in
            try await destination.synchronize([.group(9, "team", of: [3])])
            for number in numbers {
                try await destination.synchronize([
                    .person(number, "alice", [.title: [Value("\(number)")]]), .person(10 + number, "other"),
                ])
            }
            for number in 1...3 {
                let name = number == 1 ? "uid=alice" : "cn=alice\(EntryID.branch(number).suffix)"
                let entry = try #require(try await destination.entry("\(name),ou=branch"))
                #expect(entry.text("title") == "\(number)")
                #expect(entry["cn"].count == (number == 1 ? 1 : 2))
                #expect(Set(entry["uid"]) == ["alice"].directoryValues)
            }
            #expect(try await destination.displaced().count == 4)
            #expect(
                try await destination.entry("cn=team,ou=branch")?.text("member")
                    == "cn=alice\(EntryID.branch(3).suffix),\(DirectoryImport.branchDN)")
            #expect(try await destination.problems().isEmpty)

            // The same change again changes nothing.
            let before = try await destination.server.contextCSN()
            let again = try await destination.synchronize([.person(3, "alice", [.title: ["3"]])])
            #expect(again.imported == 0)
            #expect(try await destination.server.contextCSN() == before)
        }
    }

    @Test("is decided for containers with what is in them, and the groups that name that")
    func containers() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(2, "sales")], [.person(5, "alice", in: 2), .group(9, "team", of: [5])])
            try await destination.synchronize(hierarchy: [.container(1, "Sales")], [.person(6, "bob", in: 1)])
            let aside = "ou=sales\(EntryID.branch(2).suffix),ou=branch"
            #expect(
                Set(try await destination.names()) == [
                    "cn=team,ou=branch", "ou=Sales,ou=branch", aside, "uid=alice,\(aside)",
                    "uid=bob,ou=Sales,ou=branch",
                ])
            #expect(
                try await destination.entry("cn=team,ou=branch")?.text("member")
                    == "uid=alice,\(aside),\(SlapdServer.importBase)")
            // What is in it is found where it stands now.
            let report = try await destination.synchronize([.person(5, "alicia", in: 2), .delete(6)])
            #expect(report.imported == 2)
            try await destination.synchronize(hierarchy: [.delete(1)])
            #expect(
                try await destination.names() == [
                    "cn=team,ou=branch", "ou=sales,ou=branch", "uid=alicia,ou=sales,ou=branch",
                ])
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("is found again by who wants it, whatever of its settlement was committed", arguments: 1...6)
    func interruptedSettlement(failingCommit: Int) async throws {
        try await withImport { destination in
            var destination = destination
            let database = try DatabaseQueue()
            destination.store = try ServiceStore(database: database)
            try await destination.synchronize([.person(2, "alice", [.title: ["The other"]])])
            let commits = Mutex(0)
            destination.store = try ServiceStore(
                database: database,
                onCommit: { phase in
                    guard phase == .before else { return }
                    if commits.withLock({
                        $0 += 1; return $0
                    }) == failingCommit {
                        throw CommitFailure()
                    }
                })
            _ = try? await destination.synchronize([.person(1, "alice")])
            destination.store = try ServiceStore(database: database)
            try await destination.synchronize([.delete(1)])
            // If the first one was never committed, its deletion is of an entry that nobody knows.
            try await destination.synchronize([.person(1, "alice")])
            try await destination.synchronize([.delete(1)])
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("title") == "The other")
            #expect(try await destination.displaced().isEmpty)
            #expect(try await destination.problems().isEmpty)
        }
    }

    private struct CommitFailure: Error {}

    @Test("stays with its suffix while an entry that is not ours has taken the plain one")
    func foreignInTheMeantime() async throws {
        try await withImport { destination in
            let suffixed = "cn=alice\(EntryID.branch(2).suffix),ou=branch"
            try await destination.synchronize([.person(1, "alice"), .person(2, "alice")])
            try await destination.asAdministrator { connection in
                try await connection.delete(dn: "uid=alice,\(DirectoryImport.branchDN)")
                try await connection.addPerson("alice", in: DirectoryImport.branchDN)
            }
            try await destination.synchronize([.delete(1)])
            #expect(try await destination.names() == [suffixed, "uid=alice,ou=branch"])
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("interorgEntryUUID") == nil)
            try await destination.asAdministrator { connection in
                try await connection.delete(dn: "uid=alice,\(DirectoryImport.branchDN)")
            }
            try await destination.synchronize()
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
        }
    }

    @Test("is its new one even if an interruption has made the state forget the entry under its old name")
    func strays() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(9, "sales")], [.person(1, "alice", in: 9), .person(2, "bob", in: 9)])
            // Killed before the commit, and what was written has since been changed at home.
            let restarted = try DirectoryImport(into: destination.server)
            try await restarted.synchronize(
                hierarchy: [.container(9, "marketing")], [.person(1, "alicia", in: 9), .delete(2)])
            #expect(
                try await restarted.names() == ["ou=marketing,ou=branch", "uid=alicia,ou=marketing,ou=branch"])
            #expect(try await restarted.problems().isEmpty)
        }
    }

    @Test("is decided for two entries in one batch as well")
    func suffixInOneBatch() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice"), .person(2, "alice")])
            #expect(
                try await destination.names() == [
                    "cn=alice\(EntryID.branch(2).suffix),ou=branch", "uid=alice,ou=branch",
                ])
            #expect(try await destination.displaced().count == 1)
        }
    }

    @Test("may be exchanged with another entry's, and groups go on naming the same entries")
    func swapped() async throws {
        try await withImport { destination in
            try await destination.synchronize([
                .person(1, "alice"), .person(2, "bob"), .person(3, "carl"), .group(4, "team", of: [1, 3]),
            ])
            try await destination.synchronize([.person(1, "bob"), .person(2, "carl"), .person(3, "alice")])
            #expect(
                Set(try #require(try await destination.entry("cn=team,ou=branch"))["member"])
                    == ["uid=bob,\(DirectoryImport.branchDN)", "uid=alice,\(DirectoryImport.branchDN)"].directoryValues)
            #expect(
                try await destination.names() == [
                    "cn=team,ou=branch", "uid=alice,ou=branch", "uid=bob,ou=branch", "uid=carl,ou=branch",
                ])
            #expect(try await destination.displaced().isEmpty)
            #expect(
                try await destination.entry("uid=bob,ou=branch")?.text("interorgEntryUUID")
                    == EntryID.branch(1).uuid.text)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("may be that of an entry deleted in the same batch, or in an earlier one", arguments: [true, false])
    func recreated(isOneBatch: Bool) async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice")])
            if isOneBatch {
                try await destination.synchronize([.person(2, "alice"), .delete(1)])
            } else {
                try await destination.synchronize([.delete(1)])
                try await destination.synchronize([.person(2, "alice")])
            }
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
            #expect(
                try await destination.entry("uid=alice,ou=branch")?.text("interorgEntryUUID")
                    == EntryID.branch(2).uuid.text)
            #expect(try await destination.problems().isEmpty)
        }
    }

    /// What DNs, filters, LDIF or shells give a meaning to, and what editors and string functions change.
    static let awkwardNames: [Value] = [
        "Doe, Jane \"JD\" + Sons", "#leading sharp", " leading space", "trailing space ", "  ", "back\\slash",
        "a\\,b", "\\2C", "semi;colon<less>equals=", "uid=a,ou=b", "+", ",", "=", "\"", "\\", "#", "(|(uid=*))",
        "*)(objectClass=*", "--help", "$(id)`id`", "tab\there", "line\nfeed", "Zoé", "Zoe\u{301} Decomposed",
        "יעל כהן\u{200F}",
        "محمد، الشريف", "𠮷野家", "👩‍🔬", "İIıi", "straße", "ﬁ ligature", "ＡＢＣ", "no\u{A0}break", "soft\u{AD}hyphen",
        "zero\u{200B}width", "%00", "ou=interorg,dc=example",
    ]

    @Test("holds awkward names as they are, of persons and of containers")
    func awkwardNames() async throws {
        try await withImport { destination in
            let names = Self.awkwardNames
            let containers = names.enumerated().map { Change.container(1000 + $0.offset, $0.element) }
            let people = names.enumerated().flatMap { index, name in
                [
                    Change.person(2000 + index, name),
                    .upsert(
                        Entry(
                            id: .branch(3000 + index), kind: .person, parent: EntryID.branch(1000 + index).uuid,
                            name: name, fields: [.sn: ["Person"], .displayName: ["Display"]])),
                ]
            }
            try await destination.synchronize(hierarchy: containers, people)
            #expect(try await destination.problems().map { "\($0.change.entry?.name ?? ""): \($0.reason)" } == [])
            let connection = try await destination.server.connect()
            let found = try await connection.entries(
                base: DirectoryImport.branchDN, filter: "(interorgEntryUUID=*)", attributes: ["interorgEntryUUID"])
            let byUUID = Dictionary(
                uniqueKeysWithValues: try found.map { ($0.text("interorgEntryUUID"), try LDAPDN($0.dn)) })
            #expect(byUUID.count == 3 * names.count)
            for (index, name) in names.enumerated() {
                for first in [1000, 2000, 3000] {
                    let dn = try #require(byUUID[EntryID.branch(first + index).uuid.text])
                    #expect(dn.rdn?.attributeValues.first?.value == name.bytes)
                }
            }

            let before = try await destination.server.contextCSN()
            let again = try DirectoryImport(into: destination.server)
            let report = try await again.synchronize(hierarchy: containers, people)
            #expect(report.unchanged == 3 * names.count)
            #expect(try await destination.server.contextCSN() == before)
        }
    }

    @Test("may lie below an organization with an awkward name")
    func awkwardOrganization() async throws {
        try await withImport { destination in
            var destination = destination
            destination.organizationName = "Müller, Sons + \"Co\""
            try await destination.synchronize([.person(1, "alice")])
            let dn = try LDAPDN(SlapdServer.importBase)
                .appending(.init("ou", destination.organizationName)).appending(.init("uid", "alice"))
            let connection = try await destination.server.connect()
            #expect(try await connection.entry(dn: dn.string()) != nil)
        }
    }

    @Test("that cannot be is one problem, and the rest goes on", arguments: ["", "zero\0byte"] as [Value])
    func impossibleName(name: Value) async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(8, name), .container(9, "sales")],
                [.person(1, name), .person(2, "bob", in: 9)])
            #expect(try await destination.entry("uid=bob,ou=sales,ou=branch") != nil)
            #expect(Set(try await destination.problems().map(\.id)).isSubset(of: [.branch(1), .branch(8)]))
        }
    }

    /// None, and one that is no text.
    @Test(
        "that an entry cannot be renamed to is one problem, and the rest goes on",
        arguments: [Value(""), Value([0xFF])])
    func impossibleNewName(name: Value) async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice"), .person(2, "bob")])
            try await destination.synchronize([.person(1, name), .person(2, "bobby"), .person(3, "carl")])
            #expect(
                try await destination.names() == ["uid=alice,ou=branch", "uid=bobby,ou=branch", "uid=carl,ou=branch"])
            #expect(try await destination.problems().map(\.id) == [.branch(1)])
        }
    }
}
