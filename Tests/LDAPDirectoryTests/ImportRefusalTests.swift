import AddressBook
import Foundation
import GRDB
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport
import Testing

@Suite("An import that is refused or interrupted")
struct ImportRefusalTests {
    private func withImport(_ body: (DirectoryImport) async throws -> Void) async throws {
        try await withSlapd(.directory()) { server in try await body(DirectoryImport(into: server)) }
    }

    @Test("never touches an entry that is not ours, and goes on when that is gone")
    func foreignEntry() async throws {
        try await withImport { destination in
            var destination = destination
            try await destination.synchronize([.person(1, "bob")])
            try await destination.asAdministrator { connection in
                try await connection.addPerson("alice", in: DirectoryImport.branchDN)
            }
            let before = try await destination.server.contextCSN()
            try await destination.synchronize([.person(2, "alice", [.title: ["Boss"]])])
            let problem = try #require(try await destination.problems().first)
            #expect(problem.kind == .refused)
            #expect(problem.reason.contains("uid=alice,\(DirectoryImport.branchDN)"))
            #expect(try await destination.server.contextCSN() == before)

            try await destination.synchronize([.delete(2)])
            #expect(try await destination.names().contains("uid=alice,ou=branch"))

            try await destination.synchronize([.person(2, "alice", [.title: ["Boss"]])])
            try await destination.asAdministrator { connection in
                try await connection.delete(dn: "uid=alice,\(DirectoryImport.branchDN)")
            }
            destination.now += 86_400
            try await destination.synchronize()
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("title") == "Boss")
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("of one entry is one problem that names the fault, and the others are imported")
    func schemaViolation() async throws {
        try await withImport { destination in
            var destination = destination
            let report = try await destination.synchronize([
                .person(1, "alice"), .person(2, "bad", [.telephoneNumber: ["ext. ä#5"]]), .person(3, "bob"),
            ])
            #expect(report.imported == 2)
            #expect(report.refused == 1)
            let problem = try #require(try await destination.problems().first)
            #expect(problem.id == .branch(2))
            #expect(problem.kind == .refused)
            #expect(problem.reason == "telephoneNumber \"ext. ä#5\": \"ä\" is not allowed in it")
            #expect(try await destination.names() == ["uid=alice,ou=branch", "uid=bob,ou=branch"])

            destination.now += 60
            try await destination.synchronize([.person(2, "bad", [.telephoneNumber: ["5"]])])
            #expect(try await destination.problems().isEmpty)
            #expect(try await destination.names().contains("uid=bad,ou=branch"))
        }
    }

    @Test("of a change leaves the entry as it was, and a later change of it is taken")
    func refusedModification() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice", [.title: ["Boss"]])])
            try await destination.synchronize([.person(1, "alice", [.title: ["Head"], .telephoneNumber: ["ä"]])])
            #expect(try await destination.problems().count == 1)
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("title") == "Boss")
            try await destination.synchronize([.person(1, "alice", [.title: ["Boss"]])])
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("says so when the import base is missing")
    func missingBase() async throws {
        try await withImport { destination in
            var destination = destination
            destination.importBase = "ou=nowhere,dc=example"
            let error = await #expect(throws: (any Error).self) {
                _ = try await destination.synchronize([.person(1, "alice")])
            }
            let text = "\(try #require(error))"
            #expect(text.contains("ou=nowhere,dc=example"))
            #expect(text.contains("directory.import.base"))
        }
    }

    /// The directory has what the state does not know of.
    @Test("between the directory and the commit is repeated without writing anything twice")
    func lostCommit() async throws {
        try await withImport { destination in
            var destination = destination
            let changes: [Change] = [
                .person(1, "alice", [.title: ["Boss"], .mail: ["b@example.org", "a@example.org"]]),
                .person(2, "bob"), .person(4, "bob"), .group(3, "team", of: [1, 2]),
            ]
            let containers: [Change] = [.container(8, "inner", in: 9), .container(9, "outer")]
            let database = try DatabaseQueue()
            destination.store = try ServiceStore(database: database)
            try await destination.synchronize()  // Both states exist.
            let before = try await destination.server.contextCSN()
            destination.store = try ServiceStore(
                database: database, onCommit: { phase in if phase == .before { throw CommitFailure() } })
            await #expect(throws: CommitFailure.self) { try await destination.synchronize(hierarchy: containers) }
            destination.store = try ServiceStore(database: database)
            try await destination.synchronize(hierarchy: containers)
            destination.store = try ServiceStore(
                database: database, onCommit: { phase in if phase == .before { throw CommitFailure() } })
            await #expect(throws: CommitFailure.self) { try await destination.synchronize(changes) }

            let written = try await destination.server.contextCSN()
            #expect(written != before)
            destination.store = try ServiceStore(database: database)
            let report = try await destination.synchronize(hierarchy: containers, changes)
            #expect(report.refused == 0)
            #expect(try await destination.server.contextCSN() == written)
            #expect(try await destination.names().count == 6)
            // One of the two bobs has a suffix.
            #expect(try await destination.displaced().count == 1)
        }
    }

    private struct CommitFailure: Error {}
}
