import AddressBook
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

@testable import LDAPDirectory

@Suite("A watch on a directory")
struct WatchTests {
    @Test("ends when something changes, and what has changed since the last reading counts", arguments: [0, 1000])
    func changes(sessionLogSize: Int) async throws {
        try await withSlapd(.directory(sessionLogSize: sessionLogSize)) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { try await $0.addPerson("alice") }
            let source = try await export.source(.contents)
            let cursor = try await export.state(.contents).cursor()
            let connection = try await server.connect()
            defer { connection.close() }
            async let change = source.awaitChange(after: cursor)
            try await connection.set("title", of: "alice", to: "Boss")
            #expect(try await change)
            #expect(try await source.awaitChange(after: cursor), "it was changed before")
            #expect(try await export.changes().count == 1)
            _ = try await export.changes { try await $0.delete(dn: "uid=alice,ou=people,dc=example") }
            #expect(try await source.awaitChange(after: cursor), "it was deleted before")
        }
    }

    @Test("does not end while nothing changes there", arguments: [0, 1000])
    func nothingNew(sessionLogSize: Int) async throws {
        try await withSlapd(.directory(sessionLogSize: sessionLogSize, logLevel: "stats")) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { try await $0.addPerson("alice") }
            let source = try await export.source(.contents)
            let cursor = try await export.state(.contents).cursor()
            let ended = Ended()
            let watch = Task {
                let hasChanged = try await source.awaitChange(after: cursor)
                await ended.set()
                return hasChanged
            }
            let connection = try await server.connect()
            defer { connection.close() }
            try await waitUntil("the watch is on") { server.isWatched }
            // The server tells its watchers before it answers the next write.
            for name in ["x", "y"] { try await connection.addPerson(name, in: SlapdServer.importBase) }
            #expect(await ended.isSet == false)
            watch.cancel()
            _ = try? await watch.value
        }
    }

    @Test("is not possible without a cookie of content synchronization")
    func impossible() async throws {
        try await withSlapd(.directory(.noSyncProvider)) { server in
            let export = try DirectoryExport(of: server)
            let source = try await export.source(.contents)
            #expect(try await source.awaitChange(after: nil) == false)
            _ = try await export.changes { try await $0.addPerson("alice") }
            #expect(try await source.awaitChange(after: export.state(.contents).cursor()) == false)
        }
    }

    @Test("fails when the server goes away")
    func lostServer() async throws {
        try await withSlapd(.directory(sessionLogSize: 1000, logLevel: "stats")) { server in
            let export = try DirectoryExport(of: server)
            _ = try await export.changes { try await $0.addPerson("alice") }
            let source = try await export.source(.contents)
            let cursor = try await export.state(.contents).cursor()
            let watch = Task { try await source.awaitChange(after: cursor) }
            try await waitUntil("the watch is on") { server.isWatched }
            await server.kill9()
            await #expect(throws: LDAPError.self) { try await watch.value }
        }
    }

    private actor Ended {
        private(set) var isSet = false
        func set() { isSet = true }
    }
}

extension SlapdServer {
    /// Whether a search has come that asks for the subtree and no attributes, as only a watch does.
    fileprivate nonisolated var isWatched: Bool { log.contains(/scope=2[^\n]*\n[^\n]*attr=1\.1/) }
}
