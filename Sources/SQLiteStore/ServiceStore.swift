import AddressBook
import Foundation
import GRDB
import Synchronization

/// The one SQLite file of a service: its log, the states of its synchronizations, its problems, what it knows of its
/// peers, and the mail that waits.
///
/// Every write is one transaction, durable when it returns (WAL, `synchronous=FULL`).
public final class ServiceStore: Sendable {
    /// Where a test stops the world.
    public enum CommitPhase: Sendable {
        case before, after
    }

    private static let writeCacheKibibytes = 8_000

    let database: any DatabaseWriter
    /// Where a database in memory would only be waited for by changing threads back and forth.
    private let isInMemory: Bool
    private let onCommit: (@Sendable (CommitPhase) throws -> Void)?
    /// The machines of peers that this process has saved.
    let keptMachines = Mutex<[OrganizationID: KeptMachine]>([:])

    /// How long another process may keep the file to itself, in seconds.
    public static let busySecondsStandard = 30.0

    /// Opens or creates the file and brings its schema up to date.
    public init(path: String, busySeconds: Double = busySecondsStandard) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busySeconds)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            guard !db.configuration.readonly else { return }
            // A step that does not fit into the cache is written twice.
            try db.execute(sql: "PRAGMA cache_size = -\(Self.writeCacheKibibytes)")
            // Pages that every step changes go from the log into the file once for many steps.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
        }
        self.database = try DatabasePool(path: path, configuration: configuration)
        self.isInMemory = false
        self.onCommit = nil
        try Self.migrator.migrate(database)
    }

    /// Opens a file that a service has made, and may be using; nil if there is none.
    public static func openExisting(
        path: String, busySeconds: Double = busySecondsStandard
    ) throws -> ServiceStore? {
        FileManager.default.fileExists(atPath: path) ? try ServiceStore(path: path, busySeconds: busySeconds) : nil
    }

    /// A store in a database of the caller's: the simulator keeps it in memory, across crashes of the service.
    ///
    /// - Parameter onCommit: called around every transaction; an error thrown before one prevents it.
    public init(database: any DatabaseWriter, onCommit: (@Sendable (CommitPhase) throws -> Void)? = nil) throws {
        self.database = database
        self.isInMemory = database.path == ":memory:"
        self.onCommit = onCommit
        try Self.migrator.migrate(database)
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        if isInMemory { return try database.readAtOnce(body) }
        return try await database.read(body)
    }

    func write<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        try onCommit?(.before)
        let result = isInMemory ? try database.writeAtOnce(body) : try await database.write(body)
        try onCommit?(.after)
        return result
    }
}

extension DatabaseWriter {
    /// Without suspension.
    fileprivate func readAtOnce<Result>(_ body: (Database) throws -> Result) throws -> Result { try unsafeRead(body) }

    fileprivate func writeAtOnce<Result>(_ body: (Database) throws -> Result) throws -> Result { try write(body) }
}
