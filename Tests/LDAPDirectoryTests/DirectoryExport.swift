import AddressBook
import DirectoryMapping
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport

/// An organization that exports its directory on a real slapd into a log.
struct DirectoryExport {
    static let organization = OrganizationID(derivedFromName: "home")

    let server: SlapdServer
    let store: ServiceStore
    private let database: DatabaseQueue
    var base = "ou=people,dc=example"
    var filter: String?
    var bindDN: String?
    /// Where the server is read; nil: at its own URL.
    var url: String?
    var mapping = Mapping.inetOrgPerson
    var deletionGuard = DeletionGuard()
    var detection = ChangeDetection.auto
    /// The service's clock.
    var now = Date(timeIntervalSinceReferenceDate: 800_000_000)

    init(of server: SlapdServer, base: String = "ou=people,dc=example") throws {
        self.server = server
        self.database = try DatabaseQueue()
        self.store = try ServiceStore(database: database)
        self.base = base
    }

    /// How many rows of the store have been written so far.
    func writtenRows() async throws -> Int {
        try await database.read { $0.totalChangesCount }
    }

    private var log: ChangeLog { ChangeLog(store: store) }

    var logCollector: LogCollector { LogCollector(log, owner: Self.organization, entryBytesMax: 10_000_000) }

    /// One stream of the directory as change source.
    func source(_ stream: ChangeStream) async throws -> DirectorySource {
        let now = now
        var access = try await server.access(of: Self.organization, bindDN: bindDN, mapping: mapping)
        if let url { access.connection.url = url }
        return DirectorySource(
            access, base: try LDAPDN(base), userFilter: filter, stream: stream,
            index: try await state(stream).sourceIndex,
            detection: detection, audit: AuditSchedule(every: .seconds(86_400), now: { now }),
            newRefresh: { RefreshID(UUID()) })
    }

    func state(_ stream: ChangeStream) async throws -> StoredSynchronizationState {
        try await .open("export", stream, SynchronizationEnds(source: "directory"), in: store)
    }

    /// Directory → log, hierarchy first.
    @discardableResult
    func synchronize() async throws -> SynchronizationReport {
        let collector = logCollector
        return try await Agent(
            hierarchy: synchronizer(.hierarchy, to: collector), contents: synchronizer(.contents, to: collector)
        ).synchronize()
    }

    /// One stream to any collector.
    func synchronizer(_ stream: ChangeStream, to collector: any Collector) async throws -> Synchronizer {
        Synchronizer(
            from: try await source(stream), to: collector, state: try await state(stream),
            deletionGuard: deletionGuard, now: { [now] in now })
    }

    /// How the contents were read, and when as a whole.
    func reading() async throws -> ReadingStatus? {
        try await state(.contents).cursor().flatMap { ReadingStatus($0) }
    }

    /// What a synchronization finds after the directory was changed, in the order of the log: hierarchy, contents.
    func changes(after change: (LDAPConnection) async throws -> Void = { _ in }) async throws -> [Change] {
        let connection = try await server.connect()
        defer { connection.close() }
        try await change(connection)
        let highest = try await log.line().highest
        try await synchronize()
        var changes: [Change] = []
        for stream in ChangeStream.allCases { changes += try await logged(stream, after: highest) }
        return changes
    }

    /// Restores the server from a backup of before a change.
    ///
    /// - Returns: what a synchronization has found after the change.
    func setBack(after change: (LDAPConnection) async throws -> Void) async throws -> [Change] {
        await server.stop()
        try await server.backUpData()
        try await server.restart()
        let changes = try await changes(after: change)
        await server.stop()
        try await server.restoreData()
        try await server.restart()
        return changes
    }

    /// All entries of the log that are not deleted.
    func entries() async throws -> [Entry] {
        var changes: [Change] = []
        for stream in ChangeStream.allCases { changes += try await logged(stream, after: 0) }
        return changes.compactMap(\.entry)
    }

    /// The entry of that name.
    func entry(_ name: Value) async throws -> Entry? {
        try await entries().first { $0.name == name }
    }

    private func logged(_ stream: ChangeStream, after number: Int64) async throws -> [Change] {
        try await log.changes(stream, after: number, through: .max, limit: 100_000).map(\.change)
    }
}
