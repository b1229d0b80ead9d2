import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// The state of one synchronization, in its service's store.
public struct StoredSynchronizationState: SynchronizationState {
    let store: ServiceStore
    public let name: String
    public let stream: ChangeStream
    let id: Int64

    public var tracksEntries: Bool { true }

    /// - Parameter name: tells it from the other synchronizations of the service, for ever.
    public static func open(
        _ name: String, _ stream: ChangeStream, in store: ServiceStore
    ) async throws -> StoredSynchronizationState {
        let name = "\(name)/\(stream.rawValue)"
        let find: @Sendable (Database) throws -> Int64? = { db in
            try Int64.fetchOne(db, sql: "SELECT id FROM synchronization WHERE name = ?", arguments: [name])
        }
        if let id = try await store.read(find) {
            return StoredSynchronizationState(store: store, name: name, stream: stream, id: id)
        }
        let id = try await store.write { db in
            try db.execute(sql: "INSERT INTO synchronization (name) VALUES (?)", arguments: [name])
            return db.lastInsertedRowID
        }
        return StoredSynchronizationState(store: store, name: name, stream: stream, id: id)
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

    public func cursor() async throws -> IncrementalSync.Cursor? {
        try await store.read { db in
            let bytes = try Data.fetchOne(db, sql: "SELECT cursor FROM synchronization WHERE id = ?", arguments: [id])
            return bytes.map { IncrementalSync.Cursor(bytes: Array($0)) }
        }
    }

    public func records(_ ids: [EntryID]) async throws -> [EntryID: ExchangeRecord] {
        try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT organization, uuid, digest, place_key, place, label, replaced_by FROM exchange_record
                    WHERE synchronization = ? AND organization = ? AND uuid = ?
                    """)
            var records: [EntryID: ExchangeRecord] = [:]
            for entry in ids {
                guard
                    let row = try Row.fetchOne(
                        statement, arguments: [id, entry.organization.uuid, entry.uuid])
                else { continue }
                records[entry] = ExchangeRecord(row)
            }
            return records
        }
    }

    /// Parts of one directory that are read each for itself are synchronizations whose names begin alike up to the first
    /// slash (`export/…`).
    public func movedAway(_ ids: [EntryID]) async throws -> Set<EntryID> {
        let family = name.prefix { $0 != "/" } + "/"
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT 1 FROM exchange_record AS record
                    JOIN synchronization ON synchronization.id = record.synchronization
                    WHERE record.organization = ? AND record.uuid = ? AND record.digest IS NOT NULL
                    AND record.synchronization <> ? AND substr(synchronization.name, 1, ?) = ?
                    """)
            return try Set(
                ids.filter {
                    try Row.fetchOne(
                        statement,
                        arguments: [$0.organization.uuid, $0.uuid, id, family.count, String(family)]) != nil
                })
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
}

extension ExchangeRecord {
    init(_ row: Row) {
        let digest: Data? = row["digest"]
        self.init(
            id: EntryID(row), digest: digest.map { EntryDigest(bytes: Array($0)) }, place: Place(row),
            label: row["label"], replacedBy: row["replaced_by"])
    }
}

extension Place {
    /// From the columns `place_key` and `place`.
    init?(_ row: Row) {
        guard let key: String = row["place_key"], let text: String = row["place"] else { return nil }
        self.init(key: key, text: text)
    }
}
