import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import Synchronization
import SynchronizationTestSupport
import Testing

@testable import SQLiteStore

@Suite("The file of a service")
struct ServiceStoreTests {
    @Test("is made once: opening it again changes nothing in it")
    func migrations() async throws {
        try await withStorePath { path in
            #expect(try ServiceStore.openExisting(path: path) == nil)
            let first = try ServiceStore(path: path)
            try await first.append(.upsert(Sample.person(1)))
            try await ChangeLog(store: first).beginIncarnation(id: Sample.uuid(1))
            let line = try await ChangeLog(store: first).line()
            for _ in 0..<2 {
                let again = try #require(try ServiceStore.openExisting(path: path))
                #expect(try await ChangeLog(store: again).line() == line)
            }
        }
    }

    @Test("that is none of ours is refused and left as it is")
    func notOurs() async throws {
        try await withStorePath { path in
            let bytes = Data("this is no database, and long enough that nobody could take it for an empty one".utf8)
            try bytes.write(to: URL(filePath: path))
            #expect(throws: (any Error).self) { try ServiceStore(path: path) }
            #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
        }
    }

    @Test("that a newer version has changed is refused and left as it is")
    func newerVersion() async throws {
        try await withStorePath { path in
            _ = try ServiceStore(path: path)
            let file = try DatabaseQueue(path: path)
            try await file.write { db in try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('of next year')") }
            #expect {
                _ = try ServiceStore(path: path)
            } throws: { error in
                "\(error)".contains("newer version") && "\(error)".contains(path)
            }
        }
    }

    @Test("is opened without waiting for a service that is writing")
    func openedWhileWritten() async throws {
        try await withStorePath { path in
            let service = try ServiceStore(path: path)
            try await service.append(.upsert(Sample.person(1)))
            try await service.write { _ in _ = try ServiceStore(path: path, busySeconds: 0) }
        }
    }

    @Test("forgets how far was read of what has such a name, and nothing else")
    func forgottenCursors() async throws {
        let store = try temporaryStore()
        let cursor = IncrementalSync.Cursor(bytes: [1])
        let states = [try await store.state("export/people"), try await store.state("import")]
        for state in states {
            var step = Step(now: Sample.now)
            step.cursor = cursor
            try await state.commit(step)
        }
        try await StoredSynchronizationState.forgetCursors(beginning: "export/", in: store)
        #expect(try await states[0].cursor() == nil)
        #expect(try await states[1].cursor() == cursor)
    }

    @Test("is on the disk when a write returns")
    func durable() async throws {
        try await withStorePath { path in
            let store = try ServiceStore(path: path)
            let synchronous = try await store.write { try Int.fetchOne($0.cachedStatement(sql: "PRAGMA synchronous")) }
            let journal = try await store.write { try String.fetchOne($0.cachedStatement(sql: "PRAGMA journal_mode")) }
            #expect(synchronous == 2, "FULL: the log is flushed with every commit")
            #expect(journal == "wal")
        }
    }

    @Test("has nothing of a transaction that fails, and takes the next one")
    func failedTransaction() async throws {
        struct Failure: Error {}
        try await withStorePath { path in
            let store = try ServiceStore(path: path)
            await #expect(throws: Failure.self) {
                try await store.write { db in
                    try db.execute(sql: "INSERT INTO failure (since, text) VALUES (1, 'half')")
                    throw Failure()
                }
            }
            #expect(try await store.failures().isEmpty)
            try await store.append(.upsert(Sample.person(1)))
        }
    }

    @Test("keeps the machine of each peer")
    func machines() async throws {
        let peers = Peers(store: try temporaryStore())
        let peer = Sample.otherOrganization
        #expect(try await peers.machine(of: peer, as: RequestorMachine.self) == nil)
        var machine = RequestorMachine()
        _ = machine.scheduled(now: Sample.now, nonce: Sample.uuid(1))
        try await peers.save(machine, of: peer)
        #expect(try await peers.machine(of: peer, as: RequestorMachine.self) == machine)
        _ = machine.scheduled(now: Sample.now + 100, nonce: Sample.uuid(2))
        try await peers.save(machine, of: peer)
        #expect(try await peers.machine(of: peer, as: RequestorMachine.self) == machine)
        #expect(try await peers.machine(of: Sample.organization, as: RequestorMachine.self) == nil)
    }

    @Test("writes the machine of a peer only when it has changed, and forgets it for good")
    func unchangedMachine() async throws {
        let commits = Commits()
        let store = try temporaryStore { phase in
            if phase == .after { commits.count.withLock { $0 += 1 } }
        }
        let peers = Peers(store: store)
        var machine = RequestorMachine()
        try await peers.save(machine, of: Sample.otherOrganization)
        try await peers.save(machine, of: Sample.otherOrganization)
        #expect(commits.count.withLock { $0 } == 1)
        _ = machine.scheduled(now: Sample.now, nonce: Sample.uuid(1))
        try await peers.save(machine, of: Sample.otherOrganization)
        #expect(commits.count.withLock { $0 } == 2)
        try await peers.forgetMachine(of: Sample.otherOrganization)
        #expect(try await peers.machine(of: Sample.otherOrganization, as: RequestorMachine.self) == nil)
        try await peers.save(machine, of: Sample.otherOrganization)
        #expect(try await peers.machine(of: Sample.otherOrganization, as: RequestorMachine.self) == machine)
        #expect(commits.count.withLock { $0 } == 4)
    }

    @Test("learns the names of organizations, and writes nothing when none is new")
    func names() async throws {
        let commits = Commits()
        let store = try temporaryStore { _ in commits.count.withLock { $0 += 1 } }
        let peers = Peers(store: store)
        let organization = Organization(id: Sample.organization, name: "old")
        try await peers.learn([organization])
        let before = commits.count.withLock { $0 }
        try await peers.learn([organization])
        #expect(commits.count.withLock { $0 } == before)
        try await peers.learn([
            Organization(id: Sample.organization, name: "new"),
            Organization(id: Sample.otherOrganization, name: "other"),
        ])
        #expect(try await peers.names() == [Sample.organization: "new", Sample.otherOrganization: "other"])
    }
}

private final class Commits: Sendable {
    let count = Mutex(0)
}
