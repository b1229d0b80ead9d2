import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// A message that waits to be submitted.
public struct WaitingMessage: Sendable {
    public var id: Int64
    public var recipient: OrganizationID
    public var payload: [UInt8]
    public var attempts: Int
}

/// Messages that wait for their transport.
public struct Outbox: Sendable {
    let store: ServiceStore

    public init(store: ServiceStore) {
        self.store = store
    }

    /// As part of a step's transaction. State-based exchange makes the messages of an older request needless.
    static func append(_ messages: [OutgoingMessage], now: Date, in db: Database) throws {
        for message in messages {
            try db.run(
                sql: "DELETE FROM outbox WHERE recipient = ? AND request <> ?",
                arguments: [message.recipient.uuid, message.request])
            try db.run(
                sql:
                    "INSERT INTO outbox (recipient, request, payload, created_at, next_attempt) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    message.recipient.uuid, message.request, Data(message.payload),
                    now.timeIntervalSinceReferenceDate, now.timeIntervalSinceReferenceDate,
                ])
        }
    }

    /// The first message for a peer, if its time has come.
    public func next(for recipient: OrganizationID, now: Date) async throws -> WaitingMessage? {
        try await store.read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM outbox WHERE recipient = ? AND next_attempt <= ? ORDER BY id LIMIT 1",
                arguments: [recipient.uuid, now.timeIntervalSinceReferenceDate]
            ).map { row in
                let payload: Data = row["payload"]
                return WaitingMessage(
                    id: row["id"], recipient: OrganizationID(row["recipient"]), payload: Array(payload),
                    attempts: row["attempts"])
            }
        }
    }

    /// Whether nothing waits for a peer.
    public func isEmpty(for recipient: OrganizationID) async throws -> Bool {
        try await nextAttempt(for: recipient) == nil
    }

    /// When the first message for a peer may be submitted; nil if none waits.
    public func nextAttempt(for recipient: OrganizationID) async throws -> Date? {
        try await store.read { db in
            let seconds = try Double.fetchOne(
                db, sql: "SELECT MIN(next_attempt) FROM outbox WHERE recipient = ?", arguments: [recipient.uuid])
            return seconds.map { Date(timeIntervalSinceReferenceDate: $0) }
        }
    }

    public func remove(_ id: Int64) async throws {
        try await store.write { db in
            try db.run(sql: "DELETE FROM outbox WHERE id = ?", arguments: [id])
        }
    }

    public func postpone(_ message: WaitingMessage, until: Date, error: String) async throws {
        try await store.write { db in
            try db.run(
                sql: "UPDATE outbox SET attempts = attempts + 1, next_attempt = ?, error = ? WHERE id = ?",
                arguments: [until.timeIntervalSinceReferenceDate, error, message.id])
        }
    }

    /// How many messages wait for each organization, and why the first one could not be submitted.
    public func waiting() async throws -> [OrganizationID: (count: Int, error: String?)] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT recipient, COUNT(*) AS count, error, MIN(id) FROM outbox GROUP BY recipient")
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    (OrganizationID(row["recipient"]), (row["count"] as Int, row["error"] as String?))
                })
        }
    }
}
