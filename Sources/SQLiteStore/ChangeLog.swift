import AddressBook
import Foundation
import GRDB
import InterOrgProtocol

/// A service's log: the newest change of every entry under a number greater than every number given before (R3). It is
/// the master database, where the number is the USN, and a requestor's journal, where it is the export sequence.
public struct ChangeLog: Sendable {
    let store: ServiceStore

    public init(store: ServiceStore) {
        self.store = store
    }

    /// Begins a new life of the log. Every start of a service does so, once, before anything else.
    public func beginIncarnation(id: UUID) async throws {
        try await store.write { db in
            let highest = try Self.highest(db)
            try db.run(
                sql: "INSERT INTO log_incarnation (id, first) VALUES (?, ?)", arguments: [id, highest + 1])
        }
    }

    public func line() async throws -> IncarnationLine {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT highest, purged_through, id, first FROM log_number
                    LEFT JOIN (SELECT * FROM log_incarnation WHERE NOT retired ORDER BY ordinal DESC LIMIT ?)
                    ORDER BY ordinal DESC
                    """,
                arguments: [IncarnationLine.sentMax])
            let purged: Int64 = rows.first?["purged_through"] ?? 0
            return IncarnationLine(
                incarnations: rows.reversed().compactMap { row in
                    (row["id"] as UUID?).map { Incarnation(id: $0, first: row["first"]) }
                },
                highest: rows.first?["highest"] ?? 0, purgedThrough: purged > 0 ? purged : nil)
        }
    }

    /// The places of lives in the order of all that the log has had, however long ago; those that it has not had are left
    /// out.
    public func ordinals(of lives: [UUID]) async throws -> [UUID: Int64] {
        try await store.read { db in
            var ordinals: [UUID: Int64] = [:]
            for life in lives {
                ordinals[life] = try Int64.fetchOne(
                    db, sql: "SELECT ordinal FROM log_incarnation WHERE id = ?", arguments: [life])
            }
            return ordinals
        }
    }

    /// Begins a line of its own: nobody has a position in it, so everybody is sent everything anew.
    public func beginNewLine(id: UUID) async throws {
        try await store.write { db in
            try db.run(sql: "UPDATE log_incarnation SET retired = TRUE")
            try db.run(
                sql: "INSERT INTO log_incarnation (id, first) VALUES (?, ?)", arguments: [id, Self.highest(db) + 1])
        }
    }

    /// Forgets the tombstones up to a number that all who read the log have passed.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func purgeTombstones(through number: Int64) async throws -> Int {
        let condition = "body IS NULL AND number <= ?"
        let hasAny = try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT 1 FROM log_entry WHERE \(condition) LIMIT 1", arguments: [number]) != nil
        }
        guard hasAny else { return 0 }
        return try await store.write { db in
            try db.run(sql: "DELETE FROM log_entry WHERE \(condition)", arguments: [number])
            let count = db.changesCount
            try db.run(sql: "UPDATE log_number SET purged_through = max(purged_through, ?)", arguments: [number])
            return count
        }
    }

    /// The changes of a stream numbered above `after` and up to `through`, in the order of their numbers.
    ///
    public func changes(
        _ stream: ChangeStream, after: Int64, through: Int64, view: View = .all, limit: Int
    ) async throws -> [NumberedChange] {
        try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT organization, uuid, number, body FROM log_entry
                    WHERE stream = ? AND number > ? AND number <= ? AND \(view.condition)
                    ORDER BY number LIMIT ?
                    """)
            let rows = try Row.fetchCursor(
                statement, arguments: [stream.rawValue, after, through] + view.arguments + [limit])
            var changes: [NumberedChange] = []
            while let row = try rows.next() {
                let change: Change
                if let body: Data = row[3] {
                    change = .upsert(try Entry(JSON(parsing: body)))
                } else {
                    change = .delete(EntryID(organization: OrganizationID(row[0]), uuid: row[1]))
                }
                changes.append(NumberedChange(number: row[2], change: change))
            }
            return changes
        }
    }

    /// Whether there is anything new for a peer above a number.
    public func hasChanges(after number: Int64, view: View) async throws -> Bool {
        try await store.read { db in
            try Row.fetchOne(
                db, sql: "SELECT 1 FROM log_entry WHERE number > ? AND \(view.condition) LIMIT 1",
                arguments: [number] + view.arguments) != nil
        }
    }

    /// The entries of a stream that are not deleted.
    public func summary(_ stream: ChangeStream, view: View = .all) async throws -> SetSummary {
        try await store.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT organization, uuid FROM log_entry
                    WHERE stream = ? AND body IS NOT NULL AND \(view.condition)
                    """,
                arguments: [stream.rawValue] + view.arguments)
            var summary = SetSummary()
            while let row = try rows.next() { summary.insert(EntryID(row)) }
            return summary
        }
    }

    /// What the log has of each organization: its entries, with their digests.
    public func summaries(_ view: View = .all) async throws -> [OrganizationID: SetSummary] {
        try await store.read { db in try OrganizationSums(of: .log).all(in: db) }.filter { view.shows($0.key) }
    }

    /// How many entries of each organization are not deleted, and the highest number among each one's changes.
    public func contents() async throws -> [OrganizationID: (entries: Int, highest: Int64)] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT organization, SUM(body IS NOT NULL) AS entries, MAX(number) AS highest
                    FROM log_entry GROUP BY organization
                    """)
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    (OrganizationID(row["organization"]), (row["entries"] as Int, row["highest"] as Int64))
                })
        }
    }

    /// The digests of the entries that the log has; a tombstone's is nil.
    public func digests(_ ids: [EntryID]) async throws -> [EntryID: EntryDigest?] {
        guard !ids.isEmpty else { return [:] }
        return try await store.read { db in try Self.digests(ids, in: db) }
    }

    private static func digests(_ ids: [EntryID], in db: Database) throws -> [EntryID: EntryDigest?] {
        let statement = try db.cachedStatement(
            sql: """
                \(Asked.entries)
                SELECT organization, uuid, digest FROM asked CROSS JOIN log_entry USING (organization, uuid)
                """)
        let rows = try Row.fetchCursor(statement, arguments: ["entries": Asked.list(of: ids)])
        var digests: [EntryID: EntryDigest?] = Dictionary(minimumCapacity: ids.count)
        while let row = try rows.next() {
            let id = EntryID(organization: OrganizationID(row[0]), uuid: row[1])
            let digest: Data? = row[2]
            digests.updateValue(digest.map { EntryDigest(bytes: Array($0)) }, forKey: id)
        }
        return digests
    }

    static func highest(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT highest FROM log_number") ?? 0
    }

    /// Gives each change a number, as part of a step's transaction.
    ///
    /// - Parameters:
    ///   - digests: those that are known already of the entries that the changes leave.
    ///   - stream: what a deleted entry counts as that the log has never had.
    static func append(
        _ changes: [Change], digests: [EntryID: EntryDigest], stream: ChangeStream, in db: Database
    ) throws {
        guard !changes.isEmpty else { return }
        var number = try highest(db)
        let upsert = try db.cachedStatement(
            sql: """
                INSERT INTO log_entry (organization, uuid, stream, number, digest, body) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    stream = excluded.stream, number = excluded.number, digest = excluded.digest, body = excluded.body
                """)
        let delete = try db.cachedStatement(
            sql: """
                INSERT INTO log_entry (organization, uuid, stream, number) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET number = excluded.number, digest = NULL, body = NULL
                """)
        var known = try Self.digests(changes.map(\.id), in: db)
        var sums = SummaryChanges()
        for change in changes {
            number += 1
            let id = change.id
            let digest = change.entry.map { digests[id] ?? $0.digest }
            sums.replace(id, known[id] ?? nil, with: digest)
            // The same entry may change again in the same step.
            known.updateValue(digest, forKey: id)
            if let entry = change.entry, let digest {
                try upsert.execute(arguments: [
                    id.organization.uuid, id.uuid, entry.kind.stream.rawValue, number,
                    Data(digest.bytes),
                    Data(entry.json),
                ])
            } else {
                try delete.execute(arguments: [id.organization.uuid, id.uuid, stream.rawValue, number])
            }
        }
        try db.run(sql: "UPDATE log_number SET highest = ?", arguments: [number])
        try OrganizationSums(of: .log).add(sums, in: db)
    }
}

extension View {
    /// Of the column `organization`.
    fileprivate var condition: String {
        let others = "organization IS NOT ?"
        guard let organizations else { return others }
        let list = organizations.isEmpty ? "NULL" : organizations.map { _ in "?" }.joined(separator: ", ")
        return "\(others) AND organization IN (\(list))"
    }

    fileprivate var arguments: StatementArguments {
        StatementArguments([excluded?.uuid]) + StatementArguments((organizations ?? []).map(\.uuid))
    }
}

extension EntryID {
    /// From the columns `organization` and `uuid`.
    init(_ row: Row) {
        self.init(organization: OrganizationID(row["organization"]), uuid: row["uuid"])
    }
}
