import AddressBook
import IncrementalSync
import LDAPClient
import TestSupport
import Testing

@Suite("What is exported")
struct ExportScopeTests {
    /// The stamp of an import, as our schema has it.
    private static let stamp = [
        LDAPModification(.add, "objectClass", "interorgEntry"),
        LDAPModification(.add, "interorgOrganizationID", "0b9c7c39-3c6a-4d0e-9d8b-6a1f5a1f0c55"),
        LDAPModification(.add, "interorgEntryUUID", "5e0c6c4c-0f5d-4f0a-8a51-1c6f6f2f9b11"),
    ]

    @Test("is never below the import base, also where that is part of an exported base")
    func importBase() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server, base: "dc=example")
            let changes = try await export.changes { connection in
                try await connection.addPerson("alice")
                try await connection.addContainer("branch", in: SlapdServer.importBase)
                try await connection.addPerson("foreign", in: "ou=branch,\(SlapdServer.importBase)")
            }
            #expect(changes.map { $0.entry?.name } == ["people", "alice"])
            let later = try await export.changes { connection in
                try await connection.modify(
                    dn: "uid=foreign,ou=branch,\(SlapdServer.importBase)",
                    [LDAPModification(.replace, "title", "Boss")])
            }
            #expect(later.isEmpty)
        }
    }

    @Test("is never an entry with a stamp, wherever it stands")
    func stamped() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server)
            let changes = try await export.changes { connection in
                try await connection.addPerson("foreign")
                try await connection.modify(dn: "uid=foreign,ou=people,dc=example", Self.stamp)
                try await connection.addPerson(
                    "labeled",
                    LDAPAttribute(
                        "labeledURI",
                        "urn:interorg:0b9c7c39-3c6a-4d0e-9d8b-6a1f5a1f0c55:5e0c6c4c-0f5d-4f0a-8a51-1c6f6f2f9b11"))
            }
            #expect(changes.isEmpty)
        }
    }

    @Test("is gone for the others when it gets a stamp")
    func stampedLater() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server)
            let added = try await export.changes { try await $0.addPerson("alice") }
            let changes = try await export.changes { connection in
                try await connection.modify(dn: "uid=alice,ou=people,dc=example", Self.stamp)
            }
            #expect(changes == added.map { .delete($0.id) })
        }
    }

    @Test("follows the administrator's filter, and another filter reads everything without deleting what it shows")
    func changedFilter() async throws {
        try await withSlapd(.directory(sessionLogSize: 1000)) { server in
            var export = try DirectoryExport(of: server)
            export.filter = "(title=*)"
            let first = try await export.changes { connection in
                for name in ["alice", "bob"] {
                    try await connection.addPerson(name, LDAPAttribute("title", "Boss"))
                }
                try await connection.addPerson("carol", LDAPAttribute("mail", "carol@example.org"))
            }
            #expect(first.count == 2)

            export.filter = "(|(mail=*)(uid=alice))"
            let second = try await export.changes()
            let bob = try #require(first.first { $0.entry?.name == "bob" })
            #expect(second.count == 2)
            #expect(second.contains(.delete(bob.id)))
            #expect(second.contains { $0.entry?.name == "carol" })
            #expect(try await export.changes().isEmpty)
        }
    }

    @Test("loses an entry that the administrator's filter does not show any more", arguments: [0, 1000])
    func leavesFilter(sessionLogSize: Int) async throws {
        try await withSlapd(.directory(sessionLogSize: sessionLogSize)) { server in
            var export = try DirectoryExport(of: server)
            export.filter = "(title=*)"
            let first = try await export.changes { connection in
                for name in ["alice", "bob"] {
                    try await connection.addPerson(name, LDAPAttribute("title", "Boss"))
                }
            }
            let alice = try #require(first.first { $0.entry?.name == "alice" })
            let changes = try await export.changes { try await $0.set("title", of: "alice") }
            #expect(changes == [.delete(alice.id)])
        }
    }
}
