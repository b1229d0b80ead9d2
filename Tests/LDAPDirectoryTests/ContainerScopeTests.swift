import AddressBook
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

/// slapd reports the container alone.
@Suite("A container that is moved out of the exported base, or into it")
struct ContainerScopeTests {
    private static let people = "ou=people,dc=example"

    private func move(_ name: String, from superior: String, to newSuperior: String) -> (LDAPConnection) async throws
        -> Void
    {
        { connection in
            try await connection.rename(
                dn: "ou=\(name),\(superior)", newRDN: "ou=\(name)", deleteOldRDN: true, newSuperior: newSuperior)
        }
    }

    @Test("takes along what is below it, at every depth", arguments: ServerKind.allCases)
    func outAndIn(kind: ServerKind) async throws {
        try await withSlapd(.directory(kind)) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { connection in
                try await connection.addPerson("alice")
                try await connection.addContainer("sales")
                try await connection.addContainer("inner", in: "ou=sales,\(Self.people)")
                try await connection.addPerson("bob", in: "ou=sales,\(Self.people)")
                try await connection.addPerson("carol", in: "ou=inner,ou=sales,\(Self.people)")
            }
            let before = Set(try await export.entries())
            let gone = Set(before.filter { $0.name != "alice" }.map { Change.delete($0.id) })
            #expect(gone.count == 4)
            let left = try await export.changes(after: move("sales", from: Self.people, to: "dc=example"))
            #expect(Set(left) == gone)
            #expect(try await export.changes().isEmpty)

            let back = try await export.changes(after: move("sales", from: "dc=example", to: Self.people))
            #expect(back.count == 4)
            #expect(Set(try await export.entries()) == before)
            #expect(try await export.changes().isEmpty)
        }
    }

    @Test(
        "takes along no more than the guard lets go: so many deletions are held",
        arguments: [ServerKind.sessionLog, .noSyncProvider])
    func guarded(kind: ServerKind) async throws {
        try await withSlapd(.directory(kind)) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { connection in
                try await connection.addContainer("sales")
                for number in 0..<12 { try await connection.addPerson("s\(number)", in: "ou=sales,\(Self.people)") }
                for number in 0..<3 { try await connection.addPerson("p\(number)") }
            }
            let left = try await export.changes(after: move("sales", from: Self.people, to: "dc=example"))
            #expect(left.count == 1, "the container")
            #expect(try await export.store.problemCounts().values.map(\.held) == [12])
            _ = try await export.changes(after: move("sales", from: "dc=example", to: Self.people))
            #expect(try await export.store.problems().isEmpty)
            #expect(try await export.entries().count == 16)
        }
    }

    @Test(
        "takes along what stands in it below something that is no container",
        arguments: [ServerKind.sessionLog, .noSyncProvider])
    func belowNoContainer(kind: ServerKind) async throws {
        try await withSlapd(.directory(kind)) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { connection in
                try await connection.addContainer("sales")
                try await connection.add(
                    dn: "o=unit,ou=sales,\(Self.people)",
                    attributes: [LDAPAttribute("objectClass", "organization"), LDAPAttribute("o", "unit")])
                try await connection.addPerson("dave", in: "o=unit,ou=sales,\(Self.people)")
            }
            let left = try await export.changes(after: move("sales", from: Self.people, to: "dc=example"))
            #expect(left.count == 2 && left.allSatisfy { $0.entry == nil })
        }
    }
}
