import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// A message that waits to be submitted.
public struct WaitingMessage: Sendable {
    public var id: Int64
    public var recipient: OrganizationID
    /// The number of the request that it is part of, or answers.
    public var request: Int64
    public var payload: [UInt8]
    /// Whether another one waits behind it for the same peer.
    public var hasSuccessor: Bool
}

/// What waits to be submitted to a peer.
public struct WaitingMessages: Hashable, Sendable {
    public var count: Int
    /// All payloads together.
    public var bytes: Int
    /// When the oldest of them was composed.
    public var since: Date
}

/// Messages that wait for their transport: for each peer those of the newest request alone, however long the peer is away.
public struct Outbox: Sendable {
    let store: ServiceStore

    public init(store: ServiceStore) {
        self.store = store
    }

    /// As part of a step's transaction. State-based exchange makes the messages of an older request needless.
    static func append(_ messages: [OutgoingMessage], now: Date, in db: Database) throws {
        for message in messages {
            try db.run(
                sql: "DELETE FROM outbox WHERE recipient = ? AND (request <> ? OR ?)",
                arguments: [message.recipient.uuid, message.request, message.isFirst])
            try db.run(
                sql: "INSERT INTO outbox (recipient, request, payload, created_at) VALUES (?, ?, ?, ?)",
                arguments: [
                    message.recipient.uuid, message.request, Data(message.payload),
                    now.timeIntervalSinceReferenceDate,
                ])
        }
    }

    /// Whether nothing waits for a peer.
    public func isEmpty(for recipient: OrganizationID) async throws -> Bool {
        try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT 1 FROM outbox WHERE recipient = ? LIMIT 1", arguments: [recipient.uuid])
                == nil
        }
    }

    /// The first message for a peer.
    public func next(for recipient: OrganizationID) async throws -> WaitingMessage? {
        try await store.read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT *, EXISTS (SELECT 1 FROM outbox AS later WHERE later.recipient = outbox.recipient
                        AND later.id > outbox.id) AS has_successor
                    FROM outbox WHERE recipient = ? ORDER BY id LIMIT 1
                    """, arguments: [recipient.uuid]
            ).map { row in
                let payload: Data = row["payload"]
                return WaitingMessage(
                    id: row["id"], recipient: OrganizationID(row["recipient"]), request: row["request"],
                    payload: Array(payload), hasSuccessor: row["has_successor"])
            }
        }
    }

    /// What waits for each organization.
    public func waiting() async throws -> [OrganizationID: WaitingMessages] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT recipient, COUNT(*) AS messages, SUM(LENGTH(payload)) AS bytes, MIN(created_at) AS since
                    FROM outbox GROUP BY recipient
                    """)
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    let waiting = WaitingMessages(
                        count: row["messages"], bytes: row["bytes"],
                        since: Date(timeIntervalSinceReferenceDate: row["since"]))
                    return (OrganizationID(row["recipient"]), waiting)
                })
        }
    }
}
