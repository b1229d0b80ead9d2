import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import TestSupport
import Testing

@Suite("An entry that is imported")
struct ImportEntryTests {
    private func withImport(
        _ configuration: SlapdConfiguration = .directory(), _ body: (DirectoryImport) async throws -> Void
    ) async throws {
        try await withSlapd(configuration) { server in try await body(DirectoryImport(into: server)) }
    }

    @Test("stands below its organization's container, with its stamp and its General page")
    func add() async throws {
        try await withImport { destination in
            let fields: [Field: [Value]] = [
                .title: ["Boss", "Founder"], .mail: ["z@example.org", "a@example.org"], .co: ["Éire"],
                .assistant: ["Ann Assistant"], .street: ["1 Main Street\nFloor 2"],
            ]
            let report = try await destination.synchronize([.person(1, "alice", fields)])
            #expect(report.imported == 1)
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(Set(entry["title"]) == ["Boss", "Founder"].directoryValues)
            #expect(entry["mail"].map { String(decoding: $0, as: UTF8.self) } == ["z@example.org", "a@example.org"])
            #expect(entry.text("co") == "Éire")
            #expect(entry.text("interorgAssistant") == "Ann Assistant")
            #expect(entry.text("street") == "1 Main Street\nFloor 2")
            #expect(entry.text("interorgEntryUUID") == EntryID.branch(1).uuid.text)
            #expect(entry.text("interorgOrganizationID") == DirectoryImport.branch.description)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("gets the smallest modification that makes it right")
    func modify() async throws {
        try await withImport(.directory(logLevel: "stats")) { destination in
            let before: [Field: [Value]] = [.title: ["Boss", "Founder"], .l: ["Cork"], .mail: ["a@example.org"]]
            let after: [Field: [Value]] = [.title: ["Boss", "Head"], .l: ["Cork"], .mail: ["a@example.org"]]
            try await destination.synchronize([.person(1, "alice", before)])
            try await destination.synchronize([.person(1, "alice", after)])
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(Set(entry["title"]) == ["Boss", "Head"].directoryValues)
            let modified = destination.server.log.components(separatedBy: " MOD attr=").dropFirst()
                .map { $0.prefix { $0 != "\n" } }
            #expect(modified.last.map { Set($0.split(separator: " ")) } == ["title"])
        }
    }

    @Test("takes a change of only a letter's case, and one of only the order of mail")
    func exactValues() async throws {
        try await withImport { destination in
            try await destination.synchronize([
                .person(1, "alice", [.sn: ["smith"], .mail: ["b@example.org", "a@example.org"]])
            ])
            try await destination.synchronize([
                .person(1, "alice", [.sn: ["Smith"], .mail: ["a@example.org", "b@example.org"]])
            ])
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(entry.text("sn") == "Smith")
            #expect(entry.text("mail") == "a@example.org")
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("that is there as it should be is not written")
    func unchanged() async throws {
        try await withImport { destination in
            let changes: [Change] = [
                .person(1, "alice", [.title: ["Boss"], .co: ["Éire"], .telephoneNumber: ["+353 1 2345"]]),
                .person(2, "bob"), .group(3, "team", of: [1, 2]), .group(4, "nobody", of: []),
            ]
            try await destination.synchronize(hierarchy: [.container(9, "sales")], changes)
            let before = try await destination.server.contextCSN()
            // The state is lost, the directory is not: the same entries come again.
            let again = try DirectoryImport(into: destination.server)
            let report = try await again.synchronize(hierarchy: [.container(9, "sales")], changes)
            #expect(report.unchanged == 5)
            #expect(report.imported == 0)
            #expect(try await destination.server.contextCSN() == before)
        }
    }

    @Test("keeps what an administrator has added to it")
    func othersAttributes() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice", [.title: ["Boss"]])])
            try await destination.asAdministrator { connection in
                try await connection.modify(
                    dn: "uid=alice,\(DirectoryImport.branchDN)",
                    [
                        LDAPModification(.add, "description", "our note"), LDAPModification(.add, "mobile", "1234"),
                        LDAPModification(.add, "objectClass", "simpleSecurityObject"),
                        LDAPModification(.add, "userPassword", "secret"),
                    ])
            }
            try await destination.synchronize([.person(1, "alicia", [.title: ["Head"]])])
            let entry = try #require(try await destination.entry("uid=alicia,ou=branch"))
            #expect(entry.text("title") == "Head")
            #expect(entry.text("description") == "our note")
            #expect(entry.text("mobile") == "1234")
            #expect(entry.text("userPassword") == "secret")
        }
    }

    @Test("is renamed and moved, not deleted and added")
    func renameAndMove() async throws {
        try await withImport { destination in
            try await destination.synchronize(hierarchy: [.container(9, "sales")], [.person(1, "alice")])
            let uuid = try await destination.entry("uid=alice,ou=branch")?.text("entryUUID")
            try await destination.synchronize([.person(1, "alicia", in: 9)])
            #expect(try await destination.names() == ["ou=sales,ou=branch", "uid=alicia,ou=sales,ou=branch"])
            #expect(try await destination.entry("uid=alicia,ou=sales,ou=branch")?.text("entryUUID") == uuid)
        }
    }

    @Test("may be named by its display name first and by its alias later, and the other way round")
    func namingAttributeChanges() async throws {
        try await withImport { destination in
            func entry(_ name: Value) -> Change {
                .upsert(
                    Entry(
                        id: .branch(1), kind: .person, name: name,
                        fields: [.alias: ["alice"], .sn: ["Smith"], .displayName: ["Alice Smith"]]))
            }
            try await destination.synchronize([entry("Alice Smith")])
            #expect(try await destination.names() == ["cn=Alice Smith,ou=branch"])
            try await destination.synchronize([entry("alice")])
            #expect(try await destination.problems().map(\.reason) == [])
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
            try await destination.synchronize([entry("Alice Smith")])
            #expect(try await destination.names() == ["cn=Alice Smith,ou=branch"])
            let found = try #require(try await destination.entry("cn=Alice Smith,ou=branch"))
            #expect(found["cn"].count == 1)
            #expect(found.text("uid") == "alice")
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("is deleted, and deleting what is not there is no problem")
    func delete() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice"), .person(2, "bob")])
            try await destination.synchronize([.delete(1), .delete(7)])
            #expect(try await destination.names() == ["uid=bob,ou=branch"])
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("is found by its stamp where somebody has renamed it")
    func renamedByOthers() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice")])
            try await destination.asAdministrator { connection in
                try await connection.rename(
                    dn: "uid=alice,\(DirectoryImport.branchDN)", newRDN: "uid=moved", deleteOldRDN: true,
                    newSuperior: SlapdServer.importBase)
            }
            try await destination.synchronize([.person(1, "alice", [.title: ["Boss"]])])
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
        }
    }

    @Test("has a labeledURI for its stamp where the directory lacks our schema")
    func withoutSchema() async throws {
        try await withImport(.directory(hasSchema: false)) { destination in
            let changes: [Change] = [
                .person(1, "alice", [.title: ["Boss"], .co: ["Éire"], .assistant: ["Ann"]]), .group(2, "team", of: [1]),
            ]
            try await destination.synchronize(hierarchy: [.container(9, "sales")], changes)
            #expect(try await destination.problems().isEmpty)
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(entry.text("labeledURI")?.hasPrefix("urn:interorg:") == true)
            #expect(entry["co"].isEmpty)

            let before = try await destination.server.contextCSN()
            let again = try DirectoryImport(into: destination.server)
            let report = try await again.synchronize(hierarchy: [.container(9, "sales")], changes)
            #expect(report.unchanged == 3)
            #expect(try await destination.server.contextCSN() == before)
            try await again.synchronize(hierarchy: [.delete(9)], [.delete(1), .delete(2)])
            #expect(try await destination.names().isEmpty)
        }
    }
}

extension [String] {
    /// The values as a directory holds them.
    var directoryValues: Set<[UInt8]> { Set(map { text in [UInt8](text.utf8) }) }
}
