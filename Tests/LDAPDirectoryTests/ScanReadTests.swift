import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

@testable import LDAPDirectory

@Suite("A scan, for servers without content synchronization")
struct ScanReadTests {
    static let reader = AuditTests.reader

    @Test("is what auto chooses where the server has nothing better, and the cursor says so")
    func chosen() async throws {
        for kind in [ServerKind.sessionLog, .noSyncProvider] {
            try await withSlapd(.directory(kind)) { server in
                let export = try DirectoryExport(of: server)
                _ = try await export.changes { try await $0.addPerson("alice") }
                #expect(try await export.reading()?.method == (kind == .noSyncProvider ? .scan : .contentSync))
            }
        }
    }

    @Test("is what auto chooses where the server has the module and not for this database")
    func moduleOnly() async throws {
        var configuration = SlapdConfiguration.directory(.noSyncProvider)
        configuration.globalLines = ["moduleload syncprov"]
        try await withSlapd(configuration) { server in
            let export = try DirectoryExport(of: server)
            #expect(try await export.changes { try await $0.addPerson("alice") }.count == 1)
            #expect(try await export.reading()?.method == .scan)
        }
    }

    @Test("and content synchronization never go on from each other's cursor, and lose nothing by the change")
    func changedMethod() async throws {
        try await withSlapd(.directory(.sessionLog)) { server in
            var export = try DirectoryExport(of: server)
            _ = try await export.changes { connection in
                for name in ["alice", "bob"] { try await connection.addPerson(name) }
            }
            for (detection, name) in [(ChangeDetection.scan, "carol"), (.contentSync, "dave"), (.auto, "erin")] {
                export.detection = detection
                let changes = try await export.changes { try await $0.addPerson(name) }
                #expect(changes.map { $0.entry?.name } == [Value(name)])
                #expect(try await export.changes().isEmpty)
            }
            export.detection = .scan
            let changes = try await export.changes { try await $0.delete(dn: "uid=bob,ou=people,dc=example") }
            #expect(changes.count == 1 && changes[0].entry == nil)
        }
    }

    /// The identity may have 100 entries at once, and as many pages as it likes.
    private static func limited(_ limits: String) -> SlapdConfiguration {
        var configuration = SlapdConfiguration.directory(
            .noSyncProvider,
            more: AuditTests.readerLDIF + "\n" + IncompleteReadTests.ldif(people: 1_203))
        configuration.databaseLines = ["limits dn.exact=\"\(reader)\" \(limits)"]
        return configuration
    }

    @Test("reads page by page")
    func paged() async throws {
        try await withSlapd(Self.limited("size.soft=600 size.hard=600 size.pr=500 size.prtotal=unlimited")) { server in
            var export = try DirectoryExport(of: server)
            export.bindDN = Self.reader
            #expect(try await export.changes().count == 1_203)
            let changes = try await export.changes { connection in
                try await connection.set("title", of: "p1202", to: "New")
                try await connection.delete(dn: "uid=p7,ou=people,dc=example")
            }
            #expect(changes.count == 2)
        }
    }

    @Test("that the server ends at its size limit concludes nothing")
    func sizeLimit() async throws {
        try await withSlapd(Self.limited("size.soft=600 size.hard=600 size.prtotal=700")) { server in
            let export = try DirectoryExport(of: server)
            #expect(try await export.changes().count == 1_203)
            var limited = export
            limited.bindDN = Self.reader
            let error = await #expect(throws: LDAPError.self) { _ = try await limited.synchronize() }
            #expect(error?.code == .sizeLimitExceeded)
            #expect(try await export.entries().count == 1_203)
            #expect(try await export.store.problems().isEmpty)
        }
    }

    @Test("asks for whole entries once, and then only for what has changed")
    func stamps() async throws {
        let now = Date()
        func stamp(_ age: TimeInterval, serverID: String) -> LDAPAttribute {
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = .gmt
            formatter.dateFormat = "yyyyMMddHHmmss"
            return LDAPAttribute(
                "entryCSN", "\(formatter.string(from: now - age)).000000Z#000000#\(serverID)#000000")
        }
        func entry(_ attributes: LDAPAttribute...) -> LDAPEntry { LDAPEntry(dn: "", attributes: attributes) }
        var marks = ChangeMarks()
        marks.insert(entry(stamp(0, serverID: "001")))
        marks.insert(entry(stamp(7_200, serverID: "002")))
        marks.insert(entry(stamp(9_000, serverID: "001")))
        let thresholds = marks.thresholds
        #expect(thresholds.mayHaveChanged(entry(stamp(599, serverID: "001"))))
        #expect(!thresholds.mayHaveChanged(entry(stamp(601, serverID: "001"))))
        #expect(thresholds.mayHaveChanged(entry(stamp(7_200 + 599, serverID: "002"))), "a server of its own pace")
        #expect(!thresholds.mayHaveChanged(entry(stamp(7_200 + 601, serverID: "002"))))
        #expect(thresholds.mayHaveChanged(entry(stamp(90_000, serverID: "003"))), "a server not seen before")
        #expect(thresholds.mayHaveChanged(entry(LDAPAttribute("modifyTimestamp", "20200101000000Z"))))
        #expect(thresholds.mayHaveChanged(entry()))
    }

    /// An entry that has not changed for long.
    private static let oldStamps = """
        dn: uid=alice,ou=people,dc=example
        objectClass: inetOrgPerson
        uid: alice
        cn: Alice
        sn: Alice
        title: Old
        entryCSN: 20200101000000.000000Z#000000#000#000000
        modifyTimestamp: 20200101000000Z

        """

    @Test("notices that the server was restored from a backup, and reads everything")
    func restoredServer() async throws {
        try await withSlapd(.directory(.noSyncProvider, more: Self.oldStamps)) { server in
            let export = try DirectoryExport(of: server)
            let first = try await export.changes { try await $0.addPerson("bob") }
            #expect(first.count == 2)
            let lost = try await export.setBack { try await $0.set("title", of: "alice", to: "New") }
            #expect(lost.count == 1)
            #expect(try await export.changes().map { $0.entry?[.title] } == [["Old"]])
            #expect(try await export.changes().isEmpty)
        }
    }

    @Test("goes on as before after the entry that had changed last is gone")
    func newestDeleted() async throws {
        try await withSlapd(.directory(.noSyncProvider, more: Self.oldStamps)) { server in
            let export = try DirectoryExport(of: server)
            let first = try await export.changes { try await $0.addPerson("bob") }
            #expect(first.count == 2)
            let changes = try await export.changes { try await $0.delete(dn: "uid=bob,ou=people,dc=example") }
            #expect(changes.map(\.entry) == [nil])
            #expect(try await export.changes().isEmpty)
            #expect(try await export.changes { try await $0.set("title", of: "alice", to: "New") }.count == 1)
        }
    }

    @Test("reads from a replica, whose answer to a write would be a referral")
    func replica() async throws {
        try await withReplica { provider, replica in
            let export = try DirectoryExport(of: replica)
            let connection = try await provider.connect()
            defer { connection.close() }
            try await connection.addPerson("alice")
            try await replica.waitUntilAsFar(as: provider)
            #expect(try await export.changes().map { $0.entry?.name } == ["alice"])
            let own = try await replica.connect()
            defer { own.close() }
            let error = await #expect(throws: LDAPError.self) { try await own.addPerson("bob") }
            #expect(error?.code == .referral)
            try await connection.delete(dn: "uid=alice,ou=people,dc=example")
            try await replica.waitUntilAsFar(as: provider)
            #expect(try await export.changes().count == 1)
            #expect(try await export.entries().isEmpty)
        }
    }
}
