import AddressBook
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

@Suite("An entry whose content was made from another one")
struct ReferenceReadTests {
    private func withExport(_ body: (DirectoryExport) async throws -> Void) async throws {
        try await withSlapd(.directory(sessionLogSize: 1000)) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { connection in
                for name in ["assistant", "boss", "alice", "bob"] { try await connection.addPerson(name) }
                try await connection.set("secretary", of: "boss", to: "uid=assistant,ou=people,dc=example")
                try await connection.addGroup("team", of: ["alice", "bob"])
            }
            try await body(export)
        }
    }

    @Test("is read once where it is found together with that one, before or after it")
    func foundTogether() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server)
            let connection = try await server.connect()
            defer { connection.close() }
            for name in ["boss", "assistant", "alice"] { try await connection.addPerson(name) }
            try await connection.set("displayName", of: "assistant", to: "Ann Assistant")
            try await connection.set("secretary", of: "boss", to: "uid=assistant,ou=people,dc=example")
            try await connection.set("secretary", of: "alice", to: "uid=Assistant,ou=People,dc=example")
            try await connection.addGroup("team", of: ["alice", "boss"])
            #expect(try await export.synchronize().read == 4)
            for name: Value in ["boss", "alice"] {
                #expect(try await export.entry(name)?[.assistant] == ["Ann Assistant"])
            }
            #expect(try await export.entry("team")?.members.count == 2)
            #expect(try await export.synchronize().read == 0)
        }
    }

    @Test("is read again where the change of that one that was found with it is held")
    func foundTogetherAndHeld() async throws {
        try await withExport { export in
            var export = export
            _ = try await export.changes { connection in
                for number in 0..<20 {
                    try await connection.addPerson("p\(number)")
                    try await connection.set("displayName", of: "p\(number)", to: "Person \(number)")
                    try await connection.set("title", of: "p\(number)", to: "Dr")
                }
                try await connection.set("displayName", of: "assistant", to: "Ann")
                try await connection.set("title", of: "assistant", to: "Dr")
            }
            export.deletionGuard.percent = 1
            _ = try await export.changes { connection in
                for name in ["assistant"] + (0..<20).map({ "p\($0)" }) {
                    try await connection.modify(
                        dn: "uid=\(name),ou=people,dc=example", [LDAPModification(.delete, "title", [])])
                }
                try await connection.set("displayName", of: "assistant", to: "Ann Other")
                try await connection.set("title", of: "boss", to: "Boss")
            }
            #expect(try await export.entry("assistant")?[.displayName] == ["Ann"])
            #expect(try await export.entry("boss")?[.assistant] == ["Ann"])
        }
    }

    @Test("travels when its assistant's display name changes")
    func assistantRenamed() async throws {
        try await withExport { export in
            #expect(try await export.entry("boss")?[.assistant] == ["assistant"])
            let changes = try await export.changes { connection in
                try await connection.set("displayName", of: "assistant", to: "Ann Assistant")
            }
            #expect(changes.map { $0.entry?.name } == ["assistant", "boss"])
            #expect(changes.last?.entry?[.assistant] == ["Ann Assistant"])
            #expect(try await export.changes().isEmpty)
        }
    }

    @Test("travels without its assistant when that entry is deleted")
    func assistantDeleted() async throws {
        try await withExport { export in
            _ = try await export.changes { try await $0.delete(dn: "uid=assistant,ou=people,dc=example") }
            #expect(try await export.entry("boss")?[.assistant] == [])
        }
    }

    @Test("gets its assistant when that entry appears later")
    func assistantAdded() async throws {
        try await withExport { export in
            _ = try await export.changes { connection in
                try await connection.set("secretary", of: "alice", to: "uid=new,ou=people,dc=example")
            }
            #expect(try await export.entry("alice")?[.assistant] == [])
            let changes = try await export.changes { try await $0.addPerson("new") }
            #expect(Set(changes.map { $0.entry?.name }) == ["new", "alice"])
            #expect(try await export.entry("alice")?[.assistant] == ["new"])
        }
    }

    @Test("names a group's members by their identity, and loses one that is deleted")
    func groupMembers() async throws {
        try await withExport { export in
            let alice = try #require(try await export.entry("alice"))
            let bob = try #require(try await export.entry("bob"))
            #expect(Set(try await export.entry("team")?.members ?? []) == [alice.id, bob.id])
            let changes = try await export.changes { try await $0.delete(dn: "uid=bob,ou=people,dc=example") }
            #expect(changes.count == 2)
            #expect(try await export.entry("team")?.members == [alice.id])
        }
    }

    @Test("names the entry that stands at the member's DN now, when that was deleted and added again")
    func memberRecreated() async throws {
        try await withExport { export in
            let bob = try #require(try await export.entry("bob"))
            _ = try await export.changes { connection in
                try await connection.delete(dn: "uid=bob,ou=people,dc=example")
                try await connection.addPerson("bob")
            }
            let other = try #require(try await export.entry("bob"))
            #expect(other.id != bob.id)
            let members = try await export.entry("team")?.members
            #expect(members?.contains(other.id) == true)
            #expect(members?.contains(bob.id) == false)
        }
    }

    @Test("names the new entry at the member's DN also while the deletion of the old one is held")
    func memberRecreatedWhileHeld() async throws {
        try await withExport { export in
            var export = export
            export.deletionGuard.count = 0
            let bob = try #require(try await export.entry("bob"))
            _ = try await export.changes { connection in
                try await connection.delete(dn: "uid=bob,ou=people,dc=example")
                try await connection.addPerson("bob")
            }
            #expect(try await export.store.problemCounts().values.map(\.held) == [1])
            let other = try #require(try await export.entries().first { $0.name == "bob" && $0.id != bob.id })
            let members = try await export.entry("team")?.members
            #expect(members?.contains(other.id) == true)
            #expect(members?.contains(bob.id) == false)
        }
    }

    @Test("stands directly under the base when it is below something that is no container")
    func belowNoContainer() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server)
            // An organization is no container of the address book: alice belongs to the base.
            _ = try await export.changes { connection in
                try await connection.add(
                    dn: "o=unit,ou=people,dc=example",
                    attributes: [LDAPAttribute("objectClass", "organization"), LDAPAttribute("o", "unit")])
                try await connection.addPerson("alice", in: "o=unit,ou=people,dc=example")
            }
            #expect(try await export.entry("alice")?.parent == nil)
            #expect(try await export.entries().count == 1)
        }
    }
}
