import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

@testable import LDAPDirectory

@Suite("Two providers that take each other's changes")
struct MultiProviderTests {
    private func configuration(_ serverID: Int) -> SlapdConfiguration {
        var configuration = SlapdConfiguration.directory(.sessionLog)
        configuration.globalLines = ["serverID \(serverID)"]
        return configuration
    }

    private func replicationLines(from other: SlapdServer) async -> [String] {
        [await other.consumerLine(replicaID: 1), "multiprovider on"]
    }

    /// Two servers with the same data, each following the other.
    private func withProviders(_ body: (SlapdServer, SlapdServer) async throws -> Void) async throws {
        try await withSlapd(configuration(1)) { first in
            try await withSlapd(configuration(2)) { second in
                await first.stop()
                await second.stop()
                try await second.restoreData(from: "\(first.folder)/data")
                try await first.restart(databaseLines: replicationLines(from: second))
                try await second.restart(databaseLines: replicationLines(from: first))
                try await body(first, second)
            }
        }
    }

    /// Adds a person at one server and waits until both have it.
    private func add(_ name: String, at server: SlapdServer, and other: SlapdServer) async throws {
        let connection = try await server.connect()
        defer { connection.close() }
        try await connection.addPerson(name)
        try await other.waitUntilAsFar(as: server)
    }

    @Test("are one source: the changes of both are read at either, and the cursor knows how far each is")
    func bothAreRead() async throws {
        try await withProviders { first, second in
            let export = try DirectoryExport(of: first)
            try await add("alice", at: first, and: second)
            try await add("bob", at: second, and: first)
            #expect(Set(try await export.changes().map { $0.entry?.name }) == ["alice", "bob"])
            for (name, server, other) in [("carol", second, first), ("dave", first, second)] {
                try await add(name, at: server, and: other)
                #expect(try await export.changes().map { $0.entry?.name } == [Value(name)])
                #expect(try await export.changes().isEmpty)
            }
            let cursor = try #require(try await export.state(.contents).cursor().flatMap { DirectoryCursor($0) })
            guard case .contentSync(let bytes)? = cursor.position else {
                Issue.record("no cookie")
                return
            }
            #expect(ContentSyncCookie(Array(bytes)).stamps.keys.sorted().suffix(2) == [1, 2])
        }
    }

    @Test(
        "nothing is read from one that was restored until it has caught up with the other: what it lacks is not gone",
        arguments: [false, true])
    func restoredProvider(hasWrittenSince: Bool) async throws {
        try await withProviders { first, second in
            var export = try DirectoryExport(of: first)
            try await add("alice", at: first, and: second)
            try await add("bob", at: second, and: first)
            await first.stop()
            try await first.backUpData()
            try await first.restart()
            try await add("carol", at: second, and: first)
            if hasWrittenSince { try await add("dave", at: first, and: second) }
            let count = hasWrittenSince ? 4 : 3
            #expect(try await export.changes().count == count)

            await second.stop()
            await first.stop()
            try await first.restoreData()
            try await first.restart()
            export.now += 86_400
            let error = await #expect(throws: LDAPError.self) { _ = try await export.synchronize() }
            #expect(error?.isTransient == true)
            #expect(error?.description.contains("server ID 2") == true)
            #expect(try await export.entries().count == count)

            try await second.restart()
            try await first.waitUntilAsFar(as: second)
            #expect(try await export.changes().isEmpty)
            #expect(try await export.store.problems().isEmpty)
        }
    }
}
