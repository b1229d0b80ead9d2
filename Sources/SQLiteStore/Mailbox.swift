import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// A mail that has come and has not been dealt with.
public struct WaitingMail: Sendable {
    public var id: Int64
    public var sender: String
    public var mail: [UInt8]
    /// Why it had to wait when it was last looked at; nil if it has not been.
    public var parked: String?
}

/// More mail has come than the service has dealt with.
public struct InboxFull: Error, CustomStringConvertible {
    public var count: Int

    public var description: String { "\(count) mails wait to be dealt with already" }
}

/// Mail that has come: durable before the sender is told so, gone when it has been imported.
public struct Inbox: Sendable {
    let store: ServiceStore

    /// How many mails are kept in all.
    static let waitingMax = 256
    /// How many parked messages are kept. What comes beyond is asked for again.
    static let parkedMax = 64

    public init(store: ServiceStore) {
        self.store = store
    }

    /// Keeps a mail until it has been dealt with.
    ///
    /// - Throws: `InboxFull` if there are too many already: the sender's server is to try again later.
    public func append(_ mail: [UInt8], from sender: String, now: Date) async throws {
        try await store.write { db in
            let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM inbox") ?? 0
            guard count < Self.waitingMax else { throw InboxFull(count: count) }
            try db.execute(
                sql: "INSERT INTO inbox (received_at, sender, mail) VALUES (?, ?, ?)",
                arguments: [now.timeIntervalSinceReferenceDate, sender, Data(mail)])
        }
    }

    /// The mails in the order of their coming: new ones, or those that were parked.
    public func ids(parked: Bool) async throws -> [Int64] {
        try await store.read { db in
            try Int64.fetchAll(
                db, sql: "SELECT id FROM inbox WHERE (parked IS NOT NULL) = ? ORDER BY id", arguments: [parked])
        }
    }

    public func mail(_ id: Int64) async throws -> WaitingMail? {
        try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM inbox WHERE id = ?", arguments: [id]).map { row in
                let mail: Data = row["mail"]
                return WaitingMail(id: row["id"], sender: row["sender"], mail: Array(mail), parked: row["parked"])
            }
        }
    }

    /// Keeps a mail until what it waits for has come; the oldest of too many are forgotten.
    public func park(_ id: Int64, reason: String) async throws {
        try await store.write { db in
            try db.execute(sql: "UPDATE inbox SET parked = ? WHERE id = ?", arguments: [reason, id])
            try db.execute(
                sql: """
                    DELETE FROM inbox WHERE parked IS NOT NULL AND id NOT IN
                        (SELECT id FROM inbox WHERE parked IS NOT NULL ORDER BY id DESC LIMIT ?)
                    """,
                arguments: [Self.parkedMax])
        }
    }

    public func remove(_ id: Int64) async throws {
        try await store.write { db in
            try db.execute(sql: "DELETE FROM inbox WHERE id = ?", arguments: [id])
        }
    }

    /// Removes a mail that is not ours, and keeps the reason. Only the newest hundred are kept.
    public func refuse(_ mail: WaitingMail, reason: String, now: Date) async throws {
        try await store.write { db in
            try db.execute(sql: "DELETE FROM inbox WHERE id = ?", arguments: [mail.id])
            try db.execute(
                sql: "INSERT INTO refused_mail (at, sender, reason) VALUES (?, ?, ?)",
                arguments: [now.timeIntervalSinceReferenceDate, mail.sender, reason])
            try db.execute(
                sql: """
                    DELETE FROM refused_mail WHERE id NOT IN (SELECT id FROM refused_mail ORDER BY id DESC LIMIT 100)
                    """)
        }
    }

    /// The refused mails, newest first: when, from whom, why.
    public func refused() async throws -> [(at: Date, sender: String, reason: String)] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM refused_mail ORDER BY id DESC").map { row in
                (Date(timeIntervalSinceReferenceDate: row["at"]), row["sender"] as String, row["reason"] as String)
            }
        }
    }
}
