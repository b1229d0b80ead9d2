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

    /// Enough for the pages that a step changes in an import of 100,000 entries: what does not fit is written twice. With
    /// this and ``readersMax`` such an import takes 10 MiB less memory than with twice as much and five readers.
    private static let writeCacheKibibytes = 4_000
    /// An import reads the state, and what is read ahead is looked up, at the same time.
    private static let readersMax = 2

    let database: any DatabaseWriter
    /// Where a database in memory would only be waited for by changing threads back and forth.
    private let isInMemory: Bool
    private let onCommit: (@Sendable (CommitPhase) throws -> Void)?
    /// What this process has written or read before and would ask for again and again. Nobody else changes or deletes these
    /// while it has the lock of the state folder; they are dropped before they are written.
    let kept = Mutex(Kept())

    struct Kept {
        /// The machines of peers, as they were saved last.
        var machines: [OrganizationID: any Sendable] = [:]
        /// The labels of the organizations; nil until they are asked for.
        var names: [OrganizationID: String]?
        /// The synchronizations, by their names.
        var synchronizations: [String: (id: Int64, ends: SynchronizationEnds)] = [:]
    }

    /// How long another process may keep the file to itself, in seconds.
    public static let busySecondsStandard = 30.0

    /// Opens or creates the file and brings its schema up to date.
    public init(path: String, busySeconds: Double = busySecondsStandard) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busySeconds)
        configuration.maximumReaderCount = Self.readersMax
        configuration.prepareDatabase { db in
            guard !db.configuration.readonly else { return }
            // A step that does not fit into the cache is written twice.
            try db.execute(sql: "PRAGMA cache_size = -\(Self.writeCacheKibibytes)")
            // Pages that every step changes go from the log into the file once for many steps.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        // A pool prepares its writer for NORMAL, with which a loss of power takes back what was committed last.
        try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
        self.database = pool
        self.isInMemory = false
        self.onCommit = nil
        try Self.bringUpToDate(database)
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
        try Self.bringUpToDate(database)
    }

    private static func bringUpToDate(_ database: any DatabaseWriter) throws {
        let migrator = migrator
        let (isUpToDate, isNewer) = try database.readAtOnce { db in
            (try migrator.hasCompletedMigrations(db), try migrator.hasBeenSuperseded(db))
        }
        if isNewer { throw NewerStore(path: database.path) }
        // Also without anything to do, a migration drops all prepared statements of the connection.
        if !isUpToDate { try migrator.migrate(database) }
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        if isInMemory { return try database.readAtOnce(body) }
        return try await database.read(body)
    }

    func write<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        try onCommit?(.before)
        let transaction = { @Sendable (db: Database) in try db.inKeptTransaction(body) }
        let result =
            isInMemory
            ? try database.writeAtOnce(transaction) : try await database.writeWithoutTransaction(transaction)
        try onCommit?(.after)
        return result
    }
}

extension DatabaseWriter {
    /// Without suspension, and without the pragma that keeps a reading from writing: it has all statements prepared anew.
    fileprivate func readAtOnce<Result>(_ body: (Database) throws -> Result) throws -> Result { try unsafeRead(body) }

    fileprivate func writeAtOnce<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try writeWithoutTransaction(body)
    }
}

/// A later version of the program has changed the file: this one might damage it.
public struct NewerStore: Error, CustomStringConvertible {
    public var path: String

    public var description: String {
        "\(path): a newer version of interorg has changed this file; run that version, or a later one"
    }
}
