import AddressBook
import Foundation
import GRDB
import IncrementalSync
import Synchronization

/// The directories that a synchronization reads and writes, under names that stay the same within a store. All the
/// synchronizations of a directory know together where entries stand in it.
public struct SynchronizationEnds: Hashable, Sendable {
    public var source: String?
    public var destination: String?

    public init(source: String? = nil, destination: String? = nil) {
        self.source = source
        self.destination = destination
    }

    /// Neither end is a directory.
    public static let neither = SynchronizationEnds()
}

/// The state of one synchronization, in its service's store.
public struct StoredSynchronizationState: SynchronizationState {
    let store: ServiceStore
    public let name: String
    public let stream: ChangeStream
    let id: Int64
    /// The directories that the synchronization reads and writes.
    let ends: SynchronizationEnds

    public var tracksEntries: Bool { true }

    /// - Parameters:
    ///   - name: tells it from the other synchronizations of the service, for ever.
    ///   - ends: always the same for a name.
    public static func open(
        _ name: String, _ stream: ChangeStream, _ ends: SynchronizationEnds = .neither, in store: ServiceStore
    ) async throws -> StoredSynchronizationState {
        let name = "\(name)/\(stream.rawValue)"
        let kept = store.kept.withLock { $0.synchronizations[name] }
        let known = if let kept { kept } else { try await find(name, in: store) }
        // Who only looks at a state need not know its ends.
        if let known, known.ends == ends || ends == .neither {
            store.kept.withLock { $0.synchronizations[name] = known }
            return StoredSynchronizationState(store: store, name: name, stream: stream, id: known.id, ends: known.ends)
        }
        store.kept.withLock { $0.synchronizations[name] = nil }
        let id = try await store.write { db in
            try Int64.fetchOne(
                db,
                sql: """
                    INSERT INTO synchronization (name, source, destination) VALUES (?, ?, ?)
                    ON CONFLICT (name) DO UPDATE SET source = excluded.source, destination = excluded.destination
                    RETURNING id
                    """,
                arguments: [name, ends.source, ends.destination]) ?? 0
        }
        return StoredSynchronizationState(store: store, name: name, stream: stream, id: id, ends: ends)
    }

    private static func find(
        _ name: String, in store: ServiceStore
    ) async throws -> (id: Int64, ends: SynchronizationEnds)? {
        try await store.read { db in
            try Row.fetchOne(
                db, sql: "SELECT id, source, destination FROM synchronization WHERE name = ?", arguments: [name]
            ).map {
                (id: $0["id"], ends: SynchronizationEnds(source: $0["source"], destination: $0["destination"]))
            }
        }
    }

    /// The names of the synchronizations that begin so, without the stream.
    public static func names(beginning prefix: String, in store: ServiceStore) async throws -> Set<String> {
        let names = try await store.read { db in try String.fetchSet(db, sql: "SELECT name FROM synchronization") }
        let suffixes = ChangeStream.allCases.map { "/\($0.rawValue)" }
        return Set(
            names.filter { $0.hasPrefix(prefix) }.compactMap { name in
                suffixes.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
            })
    }

    /// Forgets the synchronizations of that name, if there is nothing left that they know.
    public static func forgetEmpty(_ name: String, in store: ServiceStore) async throws {
        // Nobody opens them meanwhile: what is forgotten is not exported, or not a member's, any more.
        store.kept.withLock { $0.synchronizations = [:] }
        try await store.write { db in
            try db.run(
                sql: """
                    DELETE FROM synchronization WHERE (name = ? OR name = ?)
                    AND NOT EXISTS (SELECT 1 FROM exchange_record WHERE synchronization = synchronization.id)
                    AND NOT EXISTS (SELECT 1 FROM problem WHERE synchronization = synchronization.id)
                    """,
                arguments: StatementArguments(ChangeStream.allCases.map { "\(name)/\($0.rawValue)" }))
            try OrganizationSums.forgetOrphans(in: db)
        }
    }

    /// What is written of an entry depends on rules besides the entry. When they are others than before, all is asked for
    /// and written anew; what is so already under the new ones is not written.
    public func follow(rules: String) async throws {
        try await store.write { db in
            let known = try String.fetchOne(db, sql: "SELECT rules FROM synchronization WHERE id = ?", arguments: [id])
            guard known != rules else { return }
            try db.run(sql: "UPDATE synchronization SET rules = ? WHERE id = ?", arguments: [rules, id])
            guard known != nil else { return }
            try db.run(sql: "UPDATE synchronization SET cursor = NULL WHERE id = ?", arguments: [id])
            // `EntryDigest.unknown`: the destination has the entry, but not as it should be.
            try db.run(
                sql: """
                    UPDATE exchange_record SET digest = zeroblob(0) WHERE synchronization = ? AND digest IS NOT NULL
                    """,
                arguments: [id])
            try OrganizationSums(of: .synchronization(id)).rebuild(in: db)
        }
    }

    /// Gives the position up: everything is asked for anew, and compared with what is here.
    public func forgetCursor() async throws {
        try await store.write { db in
            try db.run(sql: "UPDATE synchronization SET cursor = NULL WHERE id = ?", arguments: [id])
        }
    }

    /// The same for all synchronizations whose names begin so.
    public static func forgetCursors(beginning prefix: String, in store: ServiceStore) async throws {
        try await store.write { db in
            try db.run(
                sql: "UPDATE synchronization SET cursor = NULL WHERE substr(name, 1, length(?1)) = ?1",
                arguments: [prefix])
        }
    }

    /// What has come of each organization: its entries, with their digests.
    public func summaries() async throws -> [OrganizationID: SetSummary] {
        try await store.read { db in try OrganizationSums(of: .synchronization(id)).all(in: db) }
    }

    public func cursor() async throws -> IncrementalSync.Cursor? {
        try await store.read { db in
            let bytes = try Data.fetchOne(db, sql: "SELECT cursor FROM synchronization WHERE id = ?", arguments: [id])
            return bytes.map { IncrementalSync.Cursor(bytes: Array($0)) }
        }
    }

    public func records(_ ids: [EntryID]) async throws -> [EntryID: ExchangeRecord] {
        guard !ids.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    \(Asked.entries)
                    SELECT organization, uuid, digest, home_key, home, place_key, place, wanted_key, wanted,
                        label, replaced_by, filled
                    FROM asked CROSS JOIN exchange_record USING (organization, uuid)
                    WHERE synchronization = :synchronization
                    """)
            let rows = try Row.fetchCursor(
                statement, arguments: ["entries": Asked.list(of: ids), "synchronization": id])
            var records: [EntryID: ExchangeRecord] = [:]
            while let row = try rows.next() {
                let record = ExchangeRecord(row)
                records[record.id] = record
            }
            return records
        }
    }

    public func entryCount(of organization: OrganizationID) async throws -> Int {
        try await store.read { db in
            try Int.fetchOne(
                db,
                sql: """
                    SELECT COUNT(*) FROM exchange_record
                    WHERE synchronization = ? AND organization = ? AND digest IS NOT NULL
                    """,
                arguments: [id, organization.uuid]) ?? 0
        }
    }

    /// How many entries of each organization the destination has.
    public func entryCounts() async throws -> [OrganizationID: Int] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT organization, COUNT(*) AS count FROM exchange_record
                    WHERE synchronization = ? AND digest IS NOT NULL GROUP BY organization
                    """,
                arguments: [id])
            return Dictionary(
                uniqueKeysWithValues: rows.map { (OrganizationID($0["organization"]), $0["count"] as Int) })
        }
    }

    public func deletionCount(of organization: OrganizationID, since: Date) async throws -> Int {
        try await store.read { db in
            try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM deletion WHERE synchronization = ? AND organization = ? AND at > ?",
                arguments: [id, organization.uuid, since.timeIntervalSinceReferenceDate]) ?? 0
        }
    }

    public func emptiedCounts(of organization: OrganizationID, since: Date) async throws -> [Field: Int] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT field, SUM(count) AS count FROM emptied_field
                    WHERE synchronization = ? AND organization = ? AND at > ? GROUP BY field
                    """,
                arguments: [id, organization.uuid, since.timeIntervalSinceReferenceDate])
            return Dictionary(uniqueKeysWithValues: rows.map { (Field(rawValue: $0["field"]), $0["count"] as Int) })
        }
    }
}

extension ExchangeRecord {
    init(_ row: Row) {
        let digest: Data? = row["digest"]
        self.init(
            id: EntryID(row), digest: digest.map { EntryDigest(bytes: Array($0)) }, home: Place(row, "home"),
            place: Place(row, "place"), wanted: Place(row, "wanted"), label: row["label"],
            replacedBy: row["replaced_by"],
            filled: (row["filled"] as Int64?).map { FilledFields(bits: $0) })
    }
}

extension Place {
    /// From the column and its key's: `place` and `place_key`.
    init?(_ row: Row, _ column: String) {
        guard let key: String = row[column + "_key"], let text: String = row[column] else { return nil }
        self.init(key: key, text: text)
    }
}
