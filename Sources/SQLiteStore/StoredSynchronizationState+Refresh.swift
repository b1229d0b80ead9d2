import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// What a refresh has not seen. An entry whose deletion is a problem already is known to be gone.
extension StoredSynchronizationState {
    private static let unseenCondition = """
        exchange_record.synchronization = ? AND exchange_record.refresh IS NOT ? AND NOT EXISTS (
            SELECT 1 FROM problem WHERE problem.synchronization = exchange_record.synchronization
            AND problem.organization = exchange_record.organization AND problem.uuid = exchange_record.uuid
            AND problem.entry IS NULL)
        """

    public func unseen(in refresh: RefreshID, limit: Int) async throws -> [EntryID] {
        try await unseen(in: refresh, after: nil, limit: limit)
    }

    public func unseen(in refresh: RefreshID, after: EntryID?, limit: Int) async throws -> [EntryID] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT organization, uuid FROM exchange_record
                    WHERE \(Self.unseenCondition) AND (organization, uuid) > (?, ?)
                    ORDER BY organization, uuid LIMIT ?
                    """,
                arguments: [
                    id, refresh.uuid, after.map { Data($0.organization.uuid.bytes) } ?? Data(),
                    after.map { Data($0.uuid.bytes) } ?? Data(), limit,
                ]
            ).map { EntryID($0) }
        }
    }

    public func unseenCounts(in refresh: RefreshID) async throws -> [OrganizationID: Int] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT organization, COUNT(*) AS count FROM exchange_record
                    WHERE \(Self.unseenCondition) GROUP BY organization
                    """,
                arguments: [id, refresh.uuid])
            return Dictionary(
                uniqueKeysWithValues: rows.map { (OrganizationID($0["organization"]), $0["count"] as Int) })
        }
    }

    public func summary(seenIn refresh: RefreshID) async throws -> SetSummary {
        try await summary(where: "refresh = ?", arguments: [refresh.uuid])
    }

    public func summary() async throws -> SetSummary {
        try await summary(where: "TRUE", arguments: [])
    }

    private func summary(where condition: String, arguments: StatementArguments) async throws -> SetSummary {
        try await store.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT organization, uuid FROM exchange_record AS record
                    WHERE synchronization = ? AND \(condition) AND NOT EXISTS (
                        SELECT 1 FROM problem WHERE problem.synchronization = record.synchronization
                        AND problem.organization = record.organization AND problem.uuid = record.uuid
                        AND problem.entry IS NULL)
                    """,
                arguments: [id] + arguments)
            var summary = SetSummary()
            while let row = try rows.next() { summary.insert(EntryID(row)) }
            return summary
        }
    }
}
