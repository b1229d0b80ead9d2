import AddressBook
import Foundation
import GRDB
import IncrementalSync
import SQLiteStore
import SynchronizationTestSupport

/// A store that is gone with the test.
func temporaryStore(onCommit: (@Sendable (ServiceStore.CommitPhase) throws -> Void)? = nil) throws -> ServiceStore {
    try ServiceStore(database: DatabaseQueue(), onCommit: onCommit)
}

/// A store in which every insertion into the table fails.
func storeWithout(insertionsInto table: String, filledBy fill: (ServiceStore) async throws -> Void) async throws
    -> ServiceStore
{
    let queue = try DatabaseQueue()
    let store = try ServiceStore(database: queue)
    try await fill(store)
    try await queue.write { db in
        try db.execute(
            sql: "CREATE TRIGGER failure BEFORE INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'no room'); END")
    }
    return store
}

/// The path of a file that does not exist yet, in a folder that is removed afterwards.
func withStorePath(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "SQLiteStoreTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder.appending(path: "interorg.sqlite").path)
}

extension ServiceStore {
    func state(
        _ name: String = "test", _ stream: ChangeStream = .contents
    ) async throws -> StoredSynchronizationState {
        try await StoredSynchronizationState.open(
            name, stream, SynchronizationEnds(source: "directory"), in: self)
    }

    /// Commits a step of the sample moment.
    func commit(_ fill: @Sendable (inout Step) -> Void) async throws {
        var step = Step(now: Sample.now)
        fill(&step)
        try await state().commit(step)
    }

    func append(_ changes: Change...) async throws {
        try await commit { $0.appended = changes }
    }
}
