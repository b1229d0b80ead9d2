import Foundation
import GRDB

/// A mail that has come and has not been dealt with.
public struct WaitingMail: Sendable {
    public var id: Int64
    /// The envelope sender; empty for bounces.
    public var sender: String
    public var mail: [UInt8]
    /// Why it had to wait when it was last looked at; nil if it has not been.
    public var parked: String?
}

/// Mail that has come: durable before the sender is told so, gone when it has been imported.
public struct Inbox: Sendable {
    let store: ServiceStore
    let limits: InboxLimits

    public init(store: ServiceStore, limits: InboxLimits = InboxLimits()) {
        self.store = store
        self.limits = limits
    }

    /// Keeps a mail until it has been dealt with.
    ///
    /// - Parameters:
    ///   - share: whose part of the inbox it takes.
    ///   - origin: the mailbox that it stays in until then; nil: none.
    /// - Throws: `InboxFull` if there are too many already, `StoreFull` if the disk is full: the mail is to come again
    ///   later.
    public func append(
        _ mail: [UInt8], from sender: String, share: InboxShare = .whole, origin: MailOrigin? = nil, now: Date
    ) async throws {
        do {
            try await store.write { [limits] db in
                try Self.require(room: mail.count, for: share, within: limits, in: db)
                try db.run(
                    sql: "INSERT INTO inbox (received_at, sender, mail, share, bytes) VALUES (?, ?, ?, ?, ?)",
                    arguments: [now.timeIntervalSinceReferenceDate, sender, Data(mail), share.name, mail.count])
                if let origin { try TakenMail.insert(origin, inbox: db.lastInsertedRowID, in: db) }
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw StoreFull()
        }
    }

    private static func require(
        room bytes: Int, for share: InboxShare, within limits: InboxLimits, in db: Database
    ) throws {
        func check(_ condition: String, _ arguments: StatementArguments, _ limit: InboxLimits.Share) throws {
            let row = try Row.fetchOne(
                db, sql: "SELECT COUNT(*) AS count, IFNULL(SUM(bytes), 0) AS bytes FROM inbox WHERE \(condition)",
                arguments: arguments)
            let used = InboxLimits.Share(count: row?["count"] ?? 0, bytes: row?["bytes"] ?? 0)
            guard used.count < limit.count, used.bytes + bytes <= limit.bytes else {
                throw InboxFull(count: used.count, bytes: used.bytes, sender: share.name)
            }
        }
        switch share {
        case .known: try check("share = ?", [share.name], limits.ofKnownSender)
        case .others: try check("share = ?", [share.name], limits.ofOthers)
        case .whole: break
        }
        try check("TRUE", [], .init(count: limits.count, bytes: limits.bytes))
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

    /// Keeps a mail until what it waits for has come. Of too many in one share, or too large ones, the oldest are
    /// forgotten: what was in them is asked for again.
    public func park(_ id: Int64, reason: String) async throws {
        try await store.write { [limits] db in
            try db.run(sql: "UPDATE inbox SET parked = ? WHERE id = ?", arguments: [reason, id])
            let share = try String.fetchOne(db, sql: "SELECT share FROM inbox WHERE id = ?", arguments: [id])
            let limit = (share == "" ? limits.ofOthers : limits.ofKnownSender).parked
            let parked = try Row.fetchAll(
                db,
                sql: "SELECT id, bytes FROM inbox WHERE parked IS NOT NULL AND share IS ? ORDER BY id DESC",
                arguments: [share])
            var bytes = 0
            for (index, row) in parked.enumerated() {
                bytes += row["bytes"]
                // The newest stays, however large it is.
                guard index > 0, index >= limit.count || bytes > limit.bytes else { continue }
                try Self.remove(row["id"], as: .done, in: db)
            }
        }
    }

    /// The mail has been dealt with.
    public func remove(_ id: Int64) async throws {
        try await store.write { db in try Self.remove(id, as: .done, in: db) }
    }

    /// Removes a mail that is not ours, and keeps the reason.
    public func refuse(
        _ mail: WaitingMail, as kind: RefusedMail.Kind = .refused, reason: String, now: Date
    ) async throws {
        try await store.write { db in
            try Self.remove(mail.id, as: .refused, in: db)
            try RefusedMail(at: now, sender: mail.sender, kind: kind, reason: reason).insert(in: db)
        }
    }

    /// Keeps the reason why a mail was refused that has never been in the inbox.
    public func note(_ refused: RefusedMail) async throws {
        try await store.write { db in try refused.insert(in: db) }
    }

    /// The refused mails, newest first.
    public func refused() async throws -> [RefusedMail] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM refused_mail ORDER BY id DESC").map(RefusedMail.init)
        }
    }

    private static func remove(_ id: Int64, as state: TakenMail.State, in db: Database) throws {
        try db.run(sql: "DELETE FROM inbox WHERE id = ?", arguments: [id])
        try TakenMail.settle(inbox: id, as: state, in: db)
    }
}
