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
    static func ldif(people count: Int, title: String = "Title") -> String {
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
            return ImportResult(outcomes: changes.map { _ in .imported(nil) })
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

    /// Takes its time with the first batch, so that the server, which waits for its reader, exceeds its time limit.
    private struct TakingItsTime: Collector {
        func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
            try await Task.sleep(for: .milliseconds(2_100))
            return ImportResult(outcomes: changes.map { _ in .imported(nil) })
        }
    }

    @Test("when the server ends it at its time limit")
    func timeLimit() async throws {
        let title = String(repeating: "x", count: 20_000)
        var configuration = SlapdConfiguration.directory(
            more: AuditTests.readerLDIF + "\n" + Self.ldif(people: 1_300, title: title))
        configuration.databaseLines = ["limits dn.exact=\"\(AuditTests.reader)\" size=unlimited time=1"]
        try await withSlapd(configuration) { server in
            var export = try DirectoryExport(of: server)
            export.filter = "(uid=p12*)"
            #expect(try await export.changes().count == 111)
            export.filter = nil
            export.bindDN = AuditTests.reader
            let before = try await export.state(.contents).cursor()
            let error = await #expect(throws: LDAPError.self) {
                _ = try await export.synchronizer(.contents, to: TakingItsTime()).synchronize()
            }
            #expect(error?.code == .timeLimitExceeded)
            #expect(try await export.state(.contents).cursor() == before)
            #expect(try await export.entries().count == 111)
            #expect(try await export.store.problems().isEmpty)
        }
    }

    private static func addReferral(_ connection: LDAPConnection, _ name: String) async throws {
        try await connection.add(
            dn: "ou=\(name),ou=people,dc=example",
            attributes: [
                LDAPAttribute("objectClass", "referral", "extensibleObject"), LDAPAttribute("ou", name),
                LDAPAttribute("ref", "ldap://127.0.0.1:1/ou=\(name),ou=people,dc=example"),
            ])
    }

    @Test("when the server refers to another one for a part of it: changes are taken, deletions are not")
    func referral() async throws {
        for kind in [ServerKind.noSessionLog, .noSyncProvider] {
            try await withSlapd(.directory(kind, more: Self.ldif(people: 3))) { server in
                let export = try DirectoryExport(of: server)
                #expect(try await export.changes().count == 3)
                let connection = try await server.connect()
                defer { connection.close() }
                try await Self.addReferral(connection, "elsewhere")
                try await connection.delete(dn: "uid=p0,ou=people,dc=example")
                try await connection.set("title", of: "p1", to: "New")
                let error = await #expect(throws: DirectoryError.self) {
                    _ = try await export.synchronizer(.contents, to: export.logCollector).synchronize()
                }
                #expect(error?.description.contains("ldap://127.0.0.1:1/ou=elsewhere") == true)
                #expect(try await export.entries().count == 3)
                #expect(try await export.entry("p1")?[.title] == ["New"])
            }
        }
    }

    @Test("when the whole base is on another server, and the message says on which")
    func baseElsewhere() async throws {
        try await withSlapd(.directory(more: Self.ldif(people: 3))) { server in
            let export = try DirectoryExport(of: server)
            #expect(try await export.changes().count == 3)
            let connection = try await server.connect()
            defer { connection.close() }
            for number in 0..<3 { try await connection.delete(dn: "uid=p\(number),ou=people,dc=example") }
            try await connection.delete(dn: "ou=people,dc=example")
            try await connection.add(
                dn: "ou=people,dc=example",
                attributes: [
                    LDAPAttribute("objectClass", "referral", "extensibleObject"), LDAPAttribute("ou", "people"),
                    LDAPAttribute("ref", "ldap://127.0.0.1:1/ou=people,dc=example"),
                ])
            let error = await #expect(throws: (any Error).self) { _ = try await export.synchronize() }
            #expect("\(try #require(error))".contains("ldap://127.0.0.1:1/"))
            #expect(try await export.entries().count == 3)
        }
    }

    @Test("when the server demands a refresh (e-syncRefreshRequired): nothing is deleted before that has ended")
    func refreshRequired() async throws {
        var configuration = SlapdConfiguration.directory(more: Self.ldif(people: 3))
        configuration.syncProviderLines = ["syncprov-reloadhint TRUE"]
        configuration.logLevel = "stats"
        try await withSlapd(configuration) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { try await $0.addPerson("alice") }
            let connection = try await server.connect()
            defer { connection.close() }
            try await connection.delete(dn: "uid=alice,ou=people,dc=example")
            try await connection.delete(dn: "uid=p0,ou=people,dc=example")
            try await connection.set("title", of: "p1", to: "New")
            // With stamps that are all newer than the cookie, the server cannot tell what has changed since.
            await server.stop()
            let stamped = ["entryCSN", "contextCSN"]
            let ldif = try await server.dump().components(separatedBy: "\n")
                .filter { line in !stamped.contains { line.hasPrefix($0 + ":") } }.joined(separator: "\n")
            try await server.reload(ldif: ldif)
            try await server.restart()
            let changes = try await export.changes()
            #expect(server.log.contains("err=4096"))
            #expect(changes.count == 3)
            #expect(try await export.entries().count == 2)
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

            #expect(try await export.store.releaseHeldDeletions(nil, now: export.now) == 12)
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

    @Test("when the server has no content synchronization and it is demanded; the message says what to load")
    func noContentSynchronization() async throws {
        var configuration = SlapdConfiguration.directory(more: Self.ldif(people: 3))
        configuration.hasSyncProvider = false
        try await withSlapd(configuration) { server in
            var export = try DirectoryExport(of: server)
            export.detection = .contentSync
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
            let changed = try await export.setBack { connection in
                try await connection.set("title", of: "p0", to: "Changed after the backup")
                try await connection.addPerson("lost")
            }
            #expect(changed.count == 2)

            let restored = try await export.changes()
            let lost = try #require(changed.first { $0.entry?.name == "lost" })
            #expect(restored.count == 2)
            #expect(restored.contains(.delete(lost.id)))
            #expect(try await export.entry("p0")?[.title] == ["Title"])
            #expect(try await export.changes().isEmpty)
        }
    }

    @Test("when the directory was restored from a backup and does not show its stamps: slapd refuses the cookie")
    func restoredServerWithHiddenStamps() async throws {
        let lines = [
            "access to attrs=userPassword by * auth", "access to attrs=contextCSN by * none",
            "access to * by * read",
        ]
        var configuration = SlapdConfiguration.directory(.sessionLog, more: AuditTests.readerLDIF)
        configuration.databaseLines = lines
        try await withSlapd(configuration) { server in
            var export = try DirectoryExport(of: server)
            export.bindDN = AuditTests.reader
            _ = try await export.changes { try await $0.addPerson("alice", LDAPAttribute("title", "Old")) }
            let lost = try await export.setBack { try await $0.set("title", of: "alice", to: "New") }
            #expect(lost.count == 1)
            #expect(try await export.changes().map { $0.entry?[.title] } == [["Old"]])
            #expect(try await export.changes().isEmpty)
        }
    }
}
