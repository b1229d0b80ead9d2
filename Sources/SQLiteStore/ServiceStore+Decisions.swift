import Foundation
import GRDB

/// What a person decides about problems. A running service finds it in its next cycle.
extension ServiceStore {
    /// Lets held changes go, deletions above all: they happen in the next cycle.
    ///
    /// - Parameter uuids: only these entries, those of refused changes among them; nil for all that nobody has decided
    ///   on.
    /// - Returns: how many were released.
    public func releaseHeldDeletions(_ uuids: Set<UUID>?, now: Date) async throws -> Int {
        try await write { db in
            let undecided = "kind = 'held' AND next_attempt IS NULL"
            return try Self.change(
                "kind = 'held', next_attempt = ?1", [now.timeIntervalSinceReferenceDate], uuids,
                where: uuids == nil ? undecided : "kind = 'kept' OR \(undecided)", in: db)
        }
    }

    /// Lets held deletions go where there are so many at most of one organization's entries in one synchronization; where
    /// there are more, all of them stay held.
    ///
    /// - Returns: how many were released.
    public func releaseHeldDeletions(upTo count: Int, now: Date) async throws -> Int {
        try await write { db in
            try db.run(
                sql: """
                    UPDATE problem SET next_attempt = ?1
                    WHERE kind = 'held' AND entry IS NULL AND next_attempt IS NULL AND (synchronization, organization) IN (
                        SELECT synchronization, organization FROM problem
                        WHERE kind = 'held' AND entry IS NULL AND next_attempt IS NULL
                        GROUP BY synchronization, organization HAVING COUNT(*) <= ?2)
                    """,
                arguments: [now.timeIntervalSinceReferenceDate, count])
            return db.changesCount
        }
    }

    /// Refuses held changes, deletions above all: the entries stay at the destination as they are until their source has
    /// them again, or the fields that would be emptied, or until the changes are released after all.
    ///
    /// - Parameter uuids: only these entries, those of released changes that have not happened yet among them; nil for
    ///   all that nobody has decided on.
    /// - Returns: how many were refused.
    public func refuseHeldDeletions(_ uuids: Set<UUID>?) async throws -> Int {
        try await write { db in
            try Self.change(
                "kind = 'kept', next_attempt = ?1", [nil], uuids,
                where: uuids == nil ? "kind = 'held' AND next_attempt IS NULL" : "kind = 'held'", in: db)
        }
    }

    /// Makes problems due that would be tried again later; what is held waits for a decision all the same.
    ///
    /// - Parameter uuids: only these entries; nil for all.
    /// - Returns: how many there were.
    public func retryProblems(_ uuids: Set<UUID>?, now: Date) async throws -> Int {
        try await write { db in
            try Self.change(
                "next_attempt = ?1", [now.timeIntervalSinceReferenceDate], uuids,
                where: "kind NOT IN ('held', 'kept')", in: db)
        }
    }

    /// - Parameter arguments: that of the assignments.
    private static func change(
        _ assignments: String, _ arguments: StatementArguments, _ uuids: Set<UUID>?, where condition: String,
        in db: Database
    ) throws -> Int {
        guard let uuids else {
            try db.run(sql: "UPDATE problem SET \(assignments) WHERE \(condition)", arguments: arguments)
            return db.changesCount
        }
        let statement = try db.cachedStatement(
            sql: "UPDATE problem SET \(assignments) WHERE uuid = ?2 AND (\(condition))")
        return try uuids.reduce(0) { count, uuid in
            try statement.execute(arguments: arguments + [uuid])
            return count + db.changesCount
        }
    }
}
