import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport
import Testing

@Suite("Nothing is concluded from a reading that is not whole")
struct IncompleteReadTests {
    private static func ldif(people count: Int, title: String = "Title") -> String {
        (0..<count).map { number in
            """
            dn: uid=p\(number),ou=people,dc=example
            objectClass: inetOrgPerson
            uid: p\(number)
            cn: Person \(number)
            sn: Person
            title: \(title)

            """
        }.joined(separator: "\n")
    }

    /// Ends the directory's server as soon as a batch has come.
    private struct EndingTheServer: Collector {
        var server: SlapdServer

        func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
            await server.kill9()
            return ImportResult(outcomes: changes.map { _ in .imported(place: nil) })
        }
    }

    @Test("when the server is killed in the middle of it: nothing is deleted, and the next one finds everything")
    func killedServer() async throws {
        // More than fits into the buffers between the server and the reader.
        let title = String(repeating: "x", count: 20_000)
        let configuration = SlapdConfiguration.directory(more: Self.ldif(people: 1300, title: title))
        try await withSlapd(configuration) { server in
            var export = try DirectoryExport(of: server)
            export.filter = "(uid=p1*)"
            let count = try await export.changes().count
            #expect(count == 411)
            export.filter = nil
            let before = try await export.state(.contents).cursor()
            await #expect(throws: LDAPError.self) {
                _ = try await export.synchronizer(.contents, to: EndingTheServer(server: server)).synchronize()
            }
            #expect(try await export.state(.contents).cursor() == before)
            #expect(try await export.entries().count == count)

            try await server.restart()
            let report = try await export.synchronize()
            #expect(report.held == 0)
            #expect(report.read == 1300)
            #expect(try await export.store.problems().isEmpty)
        }
    }

    @Test("when the server ends it at its size limit, and the message says what to raise")
    func sizeLimit() async throws {
        let reader = "uid=reader,dc=example"
        var configuration = SlapdConfiguration.directory(
            more: Self.ldif(people: 15) + """

                dn: \(reader)
                objectClass: account
                objectClass: simpleSecurityObject
                uid: reader
                userPassword: admin-secret

                """)
        configuration.databaseLines = ["limits dn.exact=\"\(reader)\" size=10"]
        try await withSlapd(configuration) { server in
            var export = try DirectoryExport(of: server)
            #expect(try await export.changes().count == 15)
            export.bindDN = reader
            let error = await #expect(throws: LDAPError.self) { _ = try await export.synchronize() }
            #expect(error?.code == .sizeLimitExceeded)
            #expect(error?.description.contains("raise the server's limits") == true)
            #expect(try await export.entries().count == 15)
            #expect(try await export.store.problems().isEmpty)
        }
    }

    @Test("when so much is missing that a person has to decide: the deletions are held")
    func emptiedBase() async throws {
        try await withSlapd(.directory(more: Self.ldif(people: 12))) { server in
            let export = try DirectoryExport(of: server)
            #expect(try await export.changes().count == 12)
            let changes = try await export.changes { connection in
                for number in 0..<12 { try await connection.delete(dn: "uid=p\(number),ou=people,dc=example") }
            }
            #expect(changes.isEmpty)
            #expect(try await export.entries().count == 12)
            #expect(try await export.store.problemCounts().values.map(\.held) == [12])

            #expect(try await export.store.releaseHeldDeletions(nil, now: Date()) == 12)
            #expect(try await export.changes().count == 12)
            #expect(try await export.entries().isEmpty)
            #expect(try await export.store.problems().isEmpty)
        }
    }

    @Test("when the base is missing")
    func missingBase() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server, base: "ou=nowhere,dc=example")
            let error = await #expect(throws: (any Error).self) { _ = try await export.synchronize() }
            #expect("\(try #require(error))".contains("ou=nowhere,dc=example"))
        }
    }

    @Test("when the server has no content synchronization, and the message says what to load")
    func noContentSynchronization() async throws {
        var configuration = SlapdConfiguration.directory(more: Self.ldif(people: 3))
        configuration.hasSyncProvider = false
        try await withSlapd(configuration) { server in
            let export = try DirectoryExport(of: server)
            let error = await #expect(throws: (any Error).self) { _ = try await export.synchronize() }
            #expect("\(try #require(error))".contains("syncprov"))
            #expect(try await export.entries().isEmpty)
        }
    }

    /// The server's cookie is older than ours: it cannot go on from there.
    @Test("when the directory was restored from a backup: it is read in full", arguments: [0, 1000])
    func restoredServer(sessionLogSize: Int) async throws {
        try await withSlapd(.directory(sessionLogSize: sessionLogSize, more: Self.ldif(people: 3))) { server in
            let export = try DirectoryExport(of: server)
            let first = try await export.changes { try await $0.addPerson("alice") }
            #expect(first.count == 4)
            let data = "\(server.folder)/data"
            await server.stop()
            try FileManager.default.copyItem(atPath: data, toPath: data + ".backup")
            try await server.restart()
            let changed = try await export.changes { connection in
                try await connection.set("title", of: "p0", to: "Changed after the backup")
                try await connection.addPerson("lost")
            }
            #expect(changed.count == 2)
            await server.stop()
            try FileManager.default.removeItem(atPath: data)
            try FileManager.default.moveItem(atPath: data + ".backup", toPath: data)
            try await server.restart()

            let restored = try await export.changes()
            let lost = try #require(changed.first { $0.entry?.name == "lost" })
            #expect(restored.count == 2)
            #expect(restored.contains(.delete(lost.id)))
            #expect(try await export.entry("p0")?[.title] == ["Title"])
            #expect(try await export.changes().isEmpty)
        }
    }
}
