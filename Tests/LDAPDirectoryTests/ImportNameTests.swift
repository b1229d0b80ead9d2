import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import TestSupport
import Testing

@Suite("The DN that an imported entry gets")
struct ImportNameTests {
    private func withImport(_ body: (DirectoryImport) async throws -> Void) async throws {
        try await withSlapd(.directory()) { server in try await body(DirectoryImport(into: server)) }
    }

    @Test("has a suffix while another entry has its name, and the plain name once that is free")
    func suffix() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice")])
            try await destination.synchronize([.person(2, "alice", [.title: ["The other"]])])
            #expect(try await destination.names() == ["cn=alice ~00000000,ou=branch", "uid=alice,ou=branch"])
            #expect(try await destination.problems().map(\.kind) == [.waiting])
            // The suffix is nothing that an address book shows.
            #expect(try await destination.entry("cn=alice ~00000000,ou=branch")?.text("uid") == "alice")
            #expect(try await destination.entry("cn=alice ~00000000,ou=branch")?.text("displayName") == "alice")

            let before = try await destination.server.contextCSN()
            try await destination.synchronize()
            #expect(try await destination.server.contextCSN() == before)

            try await destination.synchronize([.delete(1)])
            try await destination.synchronize()
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("title") == "The other")
            #expect(try await destination.problems().isEmpty)
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
            #expect(try await destination.names() == ["cn=alice ~00000000,ou=branch", "uid=alice,ou=branch"])
            #expect(try await destination.problems().count == 1)
        }
    }

    @Test("may be exchanged with another entry's")
    func swapped() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice"), .person(2, "bob")])
            try await destination.synchronize([.person(1, "bob"), .person(2, "alice")])
            for _ in 0..<2 { try await destination.synchronize() }
            #expect(try await destination.names() == ["uid=alice,ou=branch", "uid=bob,ou=branch"])
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
