import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

@Suite("A directory that is loaded anew without its entryUUIDs")
struct ReloadTests {
    /// What tells an entry that it has been there before.
    private static let operational = [
        "structuralObjectClass", "entryUUID", "creatorsName", "createTimestamp", "entryCSN", "modifiersName",
        "modifyTimestamp", "contextCSN",
    ]

    /// The directory's entries as an administrator would write them down.
    private func plainLDIF(_ server: SlapdServer) async throws -> String {
        try await server.dump().components(separatedBy: "\n")
            .filter { line in !Self.operational.contains { line.hasPrefix($0 + ":") } }.joined(separator: "\n")
    }

    private func reload(_ server: SlapdServer, _ edit: (String) -> String = { $0 }) async throws {
        await server.stop()
        try await server.reload(ldif: edit(try await plainLDIF(server)))
        try await server.restart()
    }

    private func withExport(
        _ kind: ServerKind, _ body: (inout DirectoryExport) async throws -> Void
    ) async throws {
        try await withSlapd(.directory(kind)) { server in
            var export = try DirectoryExport(of: server)
            _ = try await export.changes { connection in
                try await connection.addContainer("sales")
                for name in ["alice", "bob"] { try await connection.addPerson(name) }
                try await connection.addPerson("carol", in: "ou=sales,ou=people,dc=example")
                try await connection.addGroup("team", of: ["alice", "bob"])
            }
            try await body(&export)
        }
    }

    static let kinds = [ServerKind.sessionLog, .noSyncProvider]

    @Test("lets nothing travel: its entries are who they were, and stay so", arguments: kinds)
    func keepsIdentities(kind: ServerKind) async throws {
        try await withExport(kind) { export in
            let before = Set(try await export.entries())
            for _ in 1...2 {
                try await reload(export.server)
                #expect(try await export.changes().isEmpty)
                #expect(try await export.changes().isEmpty)
            }
            #expect(Set(try await export.entries()) == before)
            #expect(try await export.store.problems().isEmpty)

            let alice = try #require(before.first { $0.name == "alice" })
            let renamed = try await export.changes { connection in
                try await connection.rename(
                    dn: "uid=alice,ou=people,dc=example", newRDN: "uid=alicia", deleteOldRDN: true)
                try await connection.set("title", of: "bob", to: "Boss")
            }
            // The group has lost the member, whose old DN names nobody.
            #expect(Set(renamed.map { $0.entry?.name }) == ["alicia", "bob", "team"])
            #expect(renamed.contains { $0.id == alice.id && $0.entry?.name == "alicia" })
            let bob = try #require(before.first { $0.name == "bob" })
            let deleted = try await export.changes { try await $0.delete(dn: "uid=bob,ou=people,dc=example") }
            #expect(deleted.contains(.delete(bob.id)))
        }
    }

    @Test("tells what was changed in the file, and deletes what is missing there", arguments: kinds)
    func editedFile(kind: ServerKind) async throws {
        try await withExport(kind) { export in
            let bob = try #require(try await export.entry("bob"))
            let carol = try #require(try await export.entry("carol"))
            try await reload(export.server) { ldif in
                ldif.components(separatedBy: "\n\n").filter { !$0.hasPrefix("dn: uid=bob,") }
                    .map { $0.hasPrefix("dn: uid=carol,") ? $0 + "\ntitle: Head" : $0 }.joined(separator: "\n\n")
            }
            let changes = try await export.changes()
            #expect(changes.contains(.delete(bob.id)))
            #expect(changes.contains { $0.id == carol.id && $0.entry?[.title] == ["Head"] })
            #expect(Set(changes.map { $0.entry?.name }) == [nil, "carol", "team"])
            let added = try await export.changes { try await $0.addPerson("bob") }
            #expect(added.allSatisfy { $0.id != bob.id }, "the next one of that name is somebody else")
        }
    }

    /// Stops the world when something is imported.
    private struct Stopping: Collector {
        struct Stop: Error {}

        func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult { throw Stop() }
    }

    @Test("is also noticed after an interruption in the middle of reading it")
    func interrupted() async throws {
        try await withExport(.sessionLog) { export in
            let before = Set(try await export.entries())
            try await reload(export.server) { ldif in
                ldif.replacingOccurrences(of: "\nuid: carol", with: "\nuid: carol\ntitle: Head")
            }
            _ = try await export.synchronizer(.hierarchy, to: Stopping()).synchronize()
            await #expect(throws: Stopping.Stop.self) {
                _ = try await export.synchronizer(.contents, to: Stopping()).synchronize()
            }
            #expect(try await export.changes().map { $0.entry?.name } == ["carol"])
            #expect(Set(try await export.entries().map(\.id)) == Set(before.map(\.id)))
        }
    }
}
