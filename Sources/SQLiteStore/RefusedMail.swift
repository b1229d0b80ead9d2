import Foundation
import GRDB

/// A mail that was of no use, and why. What is equal but for its time is kept as one, with its number.
public struct RefusedMail: Hashable, Sendable {
    /// What it was.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// A message or something meant to look like one, or any other mail.
        case refused
        /// A mail system's notice about a mail of ours (RFC 3464).
        case bounce
        /// An answering machine (RFC 3834).
        case automaticReply
    }

    /// When it came last.
    public var at: Date
    /// The envelope sender; empty for bounces.
    public var sender: String
    public var kind: Kind
    /// In words for people.
    public var reason: String
    /// How often it has come.
    public var count: Int

    /// How many are kept, and how many of one sender.
    static let countMax = 100
    static let countOfSenderMax = 25
    /// Nobody reads more, in characters.
    private static let textMax = 1_000

    public init(at: Date, sender: String, kind: Kind = .refused, reason: String, count: Int = 1) {
        self.at = at
        self.sender = String(sender.prefix(Self.textMax))
        self.kind = kind
        self.reason = String(reason.prefix(Self.textMax))
        self.count = count
    }

    init(_ row: Row) {
        self.init(
            at: Date(timeIntervalSinceReferenceDate: row["at"]), sender: row["sender"],
            kind: Kind(rawValue: row["kind"]) ?? .refused, reason: row["reason"], count: row["count"])
    }

    /// As the newest; the oldest of too many are forgotten.
    func insert(in db: Database) throws {
        let before = try Int.fetchOne(
            db, sql: "SELECT SUM(count) FROM refused_mail WHERE sender = ? AND reason = ?", arguments: [sender, reason])
        try db.run(
            sql: "DELETE FROM refused_mail WHERE sender = ? AND reason = ?", arguments: [sender, reason])
        try db.run(
            sql: "INSERT INTO refused_mail (at, sender, kind, reason, count) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                at.timeIntervalSinceReferenceDate, sender, kind.rawValue, reason, (before ?? 0) + count,
            ])
        try db.run(
            sql: """
                DELETE FROM refused_mail WHERE sender = ? AND id NOT IN
                    (SELECT id FROM refused_mail WHERE sender = ? ORDER BY id DESC LIMIT ?);
                """,
            arguments: [sender, sender, Self.countOfSenderMax])
        try db.run(
            sql: "DELETE FROM refused_mail WHERE id NOT IN (SELECT id FROM refused_mail ORDER BY id DESC LIMIT ?)",
            arguments: [Self.countMax])
    }
}
