import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport
import Testing

@Suite("An audit finds what content synchronization cannot tell")
struct AuditTests {
    static let reader = "uid=reader,dc=example"

    /// A directory with an identity that only reads it, and so many people in `ou=people` and in `ou=hidden` there.
    private func withExport(
        people: Int, hidden: Int, _ body: (inout DirectoryExport) async throws -> Void
    ) async throws {
        var configuration = SlapdConfiguration.directory(.sessionLog, more: Self.readerLDIF)
        configuration.databaseLines = ["access to attrs=userPassword by * auth"]
        try await withSlapd(configuration) { server in
            var export = try DirectoryExport(of: server)
            export.bindDN = Self.reader
            try await server.restart(databaseLines: ["access to * by * read"])
            let first = try await export.changes { connection in
                for number in 0..<people { try await connection.addPerson("p\(number)") }
                try await connection.addContainer("hidden")
                for number in 0..<hidden {
                    try await connection.addPerson("h\(number)", in: "ou=hidden,ou=people,dc=example")
                }
            }
            #expect(first.count == people + hidden + 1)
            try await body(&export)
        }
    }

    static let readerLDIF = """
        dn: \(reader)
        objectClass: account
        objectClass: simpleSecurityObject
        uid: reader
        userPassword: admin-secret

        """

    /// The reader may not see `ou=hidden` any more, nor what is in it.
    private static let hiding = [
        "access to dn.subtree=\"ou=hidden,ou=people,dc=example\" by * none", "access to * by * read",
    ]

    @Test("an access rule that was taken away: the guard holds what looks like many deletions")
    func manyHidden() async throws {
        try await withExport(people: 10, hidden: 12) { export in
            try await export.server.restart(databaseLines: Self.hiding)
            #expect(try await export.changes().isEmpty, "slapd says that nothing is new")
            export.now += 86_400
            #expect(try await export.changes().map(\.entry?.name) == [nil], "the container")
            #expect(try await export.entries().count == 22)
            #expect(try await export.store.problemCounts().values.map(\.held) == [12])

            try await export.server.restart(databaseLines: ["access to * by * read"])
            export.now += 86_400
            #expect(try await export.changes().compactMap(\.entry?.name) == ["hidden"])
            #expect(try await export.store.problems().isEmpty)
        }
    }

    @Test("below the guard's limits it cannot be told from deletions")
    func fewHidden() async throws {
        try await withExport(people: 10, hidden: 2) { export in
            try await export.server.restart(databaseLines: Self.hiding)
            export.now += 86_400
            let changes = try await export.changes()
            #expect(changes.count == 3 && changes.allSatisfy { $0.entry == nil })
        }
    }

    @Test("a restored database that has been written to since, so that it seems to have only gone on")
    func restoredAndWritten() async throws {
        try await withSlapd(.directory(.sessionLog)) { server in
            var export = try DirectoryExport(of: server)
            _ = try await export.changes { try await $0.addPerson("alice", LDAPAttribute("title", "Old")) }
            let changed = try await export.setBack { try await $0.set("title", of: "alice", to: "New") }
            #expect(changed.count == 1)
            let seen = try await export.changes { try await $0.addPerson("bob") }
            #expect(seen.map(\.entry?.name) == ["bob"])

            export.now += 86_400
            let audited = try await export.changes()
            #expect(audited.map { $0.entry?[.title] } == [["Old"]])
            #expect(try await export.reading()?.auditedAt == export.now)
            #expect(try await export.changes().isEmpty)
        }
    }
}
