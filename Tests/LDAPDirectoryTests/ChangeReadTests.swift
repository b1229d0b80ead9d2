import AddressBook
import IncrementalSync
import LDAPClient
import TestSupport
import Testing

@Suite("A change in the directory, however its server tells changes")
struct ChangeReadTests {
    /// A directory with alice and bob, and `ou=sales` with carol, that has been exported.
    private func withExport(_ kind: ServerKind, _ body: (DirectoryExport) async throws -> Void) async throws {
        try await withSlapd(.directory(kind)) { server in
            let export = try DirectoryExport(of: server)
            let first = try await export.changes { connection in
                try await connection.addPerson("alice")
                try await connection.addPerson("bob")
                try await connection.addContainer("sales")
                try await connection.addPerson("carol", in: "ou=sales,ou=people,dc=example")
            }
            #expect(first.count == 4)
            try await body(export)
        }
    }

    /// The containers of some batches are not in the state yet when the next one is read.
    @Test(
        "is found once in a first reading of more containers than the state has been told of",
        arguments: ServerKind.ways)
    func manyContainers(server: ServerKind) async throws {
        try await withSlapd(.directory(server)) { server in
            let parents = (1...3_000).map { "dn: ou=p\($0),ou=people,dc=example\nobjectClass: organizationalUnit\n" }
            let children = (2_001...3_000).map {
                "dn: ou=c,ou=p\($0),ou=people,dc=example\nobjectClass: organizationalUnit\n"
            }
            await server.stop()
            try await server.load(ldif: (parents + children).joined(separator: "\n"))
            try await server.restart()
            let export = try DirectoryExport(of: server)
            #expect(try await export.synchronize().imported == 4_000)
            let entries = try await export.entries()
            #expect(entries.count { $0.parent != nil } == 1_000)
        }
    }

    @Test("is the one entry that was added", arguments: ServerKind.ways)
    func add(server: ServerKind) async throws {
        try await withExport(server) { export in
            let changes = try await export.changes { try await $0.addPerson("dave") }
            #expect(changes.map(\.entry?.name) == ["dave"])
        }
    }

    @Test("is the whole state of the entry that was modified", arguments: ServerKind.ways)
    func modify(server: ServerKind) async throws {
        try await withExport(server) { export in
            let changes = try await export.changes { try await $0.set("title", of: "alice", to: "Director", "Founder") }
            let entry = try #require(changes.first?.entry)
            #expect(changes.count == 1)
            #expect(entry[.title] == ["Director", "Founder"])
            #expect(entry[.alias] == ["alice"])
        }
    }

    @Test("of only a letter's case is a change", arguments: ServerKind.ways)
    func letterCase(server: ServerKind) async throws {
        try await withExport(server) { export in
            let changes = try await export.changes { try await $0.set("sn", of: "alice", to: "ALICE") }
            #expect(changes.map { $0.entry?[.sn] } == [["ALICE"]])
        }
    }

    @Test("that is none writes nothing", arguments: ServerKind.allCases)
    func nothing(server: ServerKind) async throws {
        try await withExport(server) { export in
            _ = try await export.changes { try await $0.delete(dn: "uid=bob,ou=people,dc=example") }
            let rows = try await export.writtenRows()
            #expect(try await export.changes().isEmpty)
            #expect(try await export.writtenRows() == rows)
        }
    }

    @Test("off the General page is no change", arguments: ServerKind.ways)
    func offPage(server: ServerKind) async throws {
        try await withExport(server) { export in
            let changes = try await export.changes { connection in
                try await connection.set("description", of: "alice", to: "secret")
                try await connection.set("userPassword", of: "bob", to: "secret")
            }
            #expect(changes.isEmpty)
        }
    }

    @Test("of the name is a change of the same entry", arguments: ServerKind.allCases)
    func rename(server: ServerKind) async throws {
        try await withExport(server) { export in
            let before = try #require(try await export.entry("alice"))
            let changes = try await export.changes { connection in
                try await connection.rename(
                    dn: "uid=alice,ou=people,dc=example", newRDN: "uid=alicia", deleteOldRDN: true)
            }
            #expect(changes.map(\.id) == [before.id])
            #expect(changes.first?.entry?.name == "alicia")
        }
    }

    @Test("of the container is a change of the same entry", arguments: ServerKind.ways)
    func move(server: ServerKind) async throws {
        try await withExport(server) { export in
            let alice = try #require(try await export.entry("alice"))
            let sales = try #require(try await export.entry("sales"))
            let changes = try await export.changes { connection in
                try await connection.rename(
                    dn: "uid=alice,ou=people,dc=example", newRDN: "uid=alice", deleteOldRDN: true,
                    newSuperior: "ou=sales,ou=people,dc=example")
            }
            #expect(changes.map(\.id) == [alice.id])
            #expect(changes.first?.entry?.parent == sales.id.uuid)
        }
    }

    @Test("that deletes an entry deletes that one", arguments: ServerKind.allCases)
    func delete(server: ServerKind) async throws {
        try await withExport(server) { export in
            let bob = try #require(try await export.entry("bob"))
            let changes = try await export.changes { try await $0.delete(dn: "uid=bob,ou=people,dc=example") }
            #expect(changes == [.delete(bob.id)])
            #expect(try await export.changes().isEmpty)
        }
    }

    @Test(
        "that moves an entry out of the base deletes it, and one that moves it back adds it",
        arguments: ServerKind.allCases
    )
    func leaveAndReturn(server: ServerKind) async throws {
        try await withExport(server) { export in
            let bob = try #require(try await export.entry("bob"))
            let left = try await export.changes { connection in
                try await connection.rename(
                    dn: "uid=bob,ou=people,dc=example", newRDN: "uid=bob", deleteOldRDN: true, newSuperior: "dc=example"
                )
            }
            #expect(left == [.delete(bob.id)])
            let returned = try await export.changes { connection in
                try await connection.rename(
                    dn: "uid=bob,dc=example", newRDN: "uid=bob", deleteOldRDN: true,
                    newSuperior: "ou=people,dc=example")
            }
            #expect(returned == [.upsert(bob)])
        }
    }

    @Test(
        "that deletes an entry and adds another at its DN is two changes of two entries", arguments: ServerKind.allCases
    )
    func recreate(server: ServerKind) async throws {
        try await withExport(server) { export in
            let bob = try #require(try await export.entry("bob"))
            let changes = try await export.changes { connection in
                try await connection.delete(dn: "uid=bob,ou=people,dc=example")
                try await connection.addPerson("bob")
            }
            #expect(changes.count == 2)
            #expect(changes.contains(.delete(bob.id)))
            let other = try #require(changes.compactMap(\.entry).first)
            #expect(other.id != bob.id)
            #expect(other.name == "bob")
        }
    }

    @Test("of a container's name is that of the container alone", arguments: ServerKind.ways)
    func containerRenamed(server: ServerKind) async throws {
        try await withExport(server) { export in
            let sales = try #require(try await export.entry("sales"))
            let changes = try await export.changes { connection in
                try await connection.rename(
                    dn: "ou=sales,ou=people,dc=example", newRDN: "ou=marketing", deleteOldRDN: true)
            }
            #expect(changes.map(\.id) == [sales.id])
            #expect(changes.first?.entry?.name == "marketing")
        }
    }

    @Test(
        "of a container's place keeps what is below it, and what comes below it later", arguments: ServerKind.allCases)
    func containerMoved(server: ServerKind) async throws {
        try await withExport(server) { export in
            let sales = try #require(try await export.entry("sales"))
            let changes = try await export.changes { connection in
                try await connection.addContainer("europe")
                try await connection.rename(
                    dn: "ou=sales,ou=people,dc=example", newRDN: "ou=sales", deleteOldRDN: true,
                    newSuperior: "ou=europe,ou=people,dc=example")
                try await connection.addPerson("dave", in: "ou=sales,ou=europe,ou=people,dc=example")
            }
            let europe = try #require(try await export.entry("europe"))
            #expect(changes.count == 3)
            #expect(try await export.entry("sales")?.parent == europe.id.uuid)
            #expect(try await export.entry("carol")?.parent == sales.id.uuid)
            #expect(try await export.entry("dave")?.parent == sales.id.uuid)
            let later = try await export.changes { connection in
                try await connection.modify(
                    dn: "uid=carol,ou=sales,ou=europe,ou=people,dc=example",
                    [LDAPModification(.replace, "title", "Head")])
            }
            #expect(later.map { $0.entry?.parent } == [sales.id.uuid])
        }
    }

    @Test("of a container and all that is in it, deleted together, deletes all of them", arguments: ServerKind.allCases)
    func containerDeleted(server: ServerKind) async throws {
        try await withExport(server) { export in
            let sales = try #require(try await export.entry("sales"))
            let carol = try #require(try await export.entry("carol"))
            let changes = try await export.changes { connection in
                try await connection.delete(dn: "uid=carol,ou=sales,ou=people,dc=example")
                try await connection.delete(dn: "ou=sales,ou=people,dc=example")
            }
            #expect(changes == [.delete(sales.id), .delete(carol.id)])
        }
    }
}
