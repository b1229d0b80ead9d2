import Foundation
import GRDB

/// Something that a service could not do when it last tried.
public struct RecordedFailure: Hashable, Sendable {
    /// In words for people.
    public var text: String
    /// Since when it has been so.
    public var since: Date
}

extension ServiceStore {
    /// What the last cycle could not do takes the place of what an earlier one could not.
    public func recordFailures(_ texts: [String], now: Date) async throws {
        try await write { db in
            let known = try Self.failures(db)
            try db.run(sql: "DELETE FROM failure")
            for text in texts {
                let since = known.first { $0.text == text }?.since ?? now
                try db.run(
                    sql: "INSERT INTO failure (since, text) VALUES (?, ?)",
                    arguments: [since.timeIntervalSinceReferenceDate, text])
            }
        }
    }

    /// What the last cycle could not do; nothing if it could do everything.
    public func failures() async throws -> [RecordedFailure] {
        try await read(Self.failures)
    }

    @Sendable private static func failures(_ db: Database) throws -> [RecordedFailure] {
        try Row.fetchAll(db, sql: "SELECT since, text FROM failure ORDER BY rowid").map { row in
            RecordedFailure(text: row["text"], since: Date(timeIntervalSinceReferenceDate: row["since"]))
        }
    }
}
