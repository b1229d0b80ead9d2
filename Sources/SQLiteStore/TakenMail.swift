import Foundation
import GRDB

/// Where a mail stays until it has been dealt with.
public struct MailOrigin: Hashable, Sendable {
    /// The mailbox.
    public var source: String
    /// What it calls the mail: the same as long as the mail is there, and never given to another one.
    public var key: String

    public init(source: String, key: String) {
        self.source = source
        self.key = key
    }
}

/// The mails of a mailbox that have been taken from it and are still in there. A mail is taken once, however often the
/// mailbox is looked at and wherever the service was killed: what became of it is committed with the mail itself.
public struct TakenMail: Sendable {
    /// What became of a mail.
    enum State: String {
        /// It is in the inbox.
        case waiting
        /// It can be put away.
        case done, refused
        /// It has been put away, and can still be seen.
        case kept
    }

    let store: ServiceStore
    /// The mailbox.
    public let source: String

    public init(store: ServiceStore, source: String) {
        self.store = store
        self.source = source
    }

    /// Those of the keys that have been taken.
    public func known(among keys: Set<String>) async throws -> Set<String> {
        try await store.read { [source] db in
            let statement = try db.cachedStatement(sql: "SELECT 1 FROM taken_mail WHERE source = ? AND key = ?")
            return try keys.filter { try Row.fetchOne(statement, arguments: [source, $0]) != nil }
        }
    }

    /// What is to be put away.
    public func settled() async throws -> [(key: String, isRefused: Bool)] {
        try await store.read { [source] db in
            try Row.fetchAll(
                db, sql: "SELECT key, state FROM taken_mail WHERE source = ? AND state IN ('done', 'refused')",
                arguments: [source]
            ).map { ($0["key"], $0["state"] == State.refused.rawValue) }
        }
    }

    /// A mail can be put away as refused without having been in the inbox.
    public func refuse(_ key: String) async throws {
        try await store.write { [source] db in
            try db.run(
                sql: "INSERT OR REPLACE INTO taken_mail (source, key, state) VALUES (?, ?, 'refused')",
                arguments: [source, key])
        }
    }

    /// A mail has been put away.
    ///
    /// - Parameter isVisible: whether the mailbox still shows it.
    public func putAway(_ key: String, isVisible: Bool) async throws {
        try await store.write { [source] db in
            try db.run(
                sql: isVisible
                    ? "UPDATE taken_mail SET state = 'kept', inbox = NULL WHERE source = ? AND key = ?"
                    : "DELETE FROM taken_mail WHERE source = ? AND key = ?",
                arguments: [source, key])
        }
    }

    /// What has been put away and was still to be seen then.
    public func kept() async throws -> Set<String> {
        try await store.read { [source] db in
            try String.fetchSet(
                db, sql: "SELECT key FROM taken_mail WHERE source = ? AND state = 'kept'", arguments: [source])
        }
    }

    static func insert(_ origin: MailOrigin, inbox: Int64, in db: Database) throws {
        try db.run(
            sql: "INSERT INTO taken_mail (source, key, inbox, state) VALUES (?, ?, ?, 'waiting')",
            arguments: [origin.source, origin.key, inbox])
    }

    static func settle(inbox: Int64, as state: State, in db: Database) throws {
        try db.run(
            sql: "UPDATE taken_mail SET state = ?, inbox = NULL WHERE inbox = ?", arguments: [state.rawValue, inbox])
    }

    // MARK: - What keeps mail from coming

    /// Keeps what is wrong with the source for `interorg status`; nil: nothing is.
    public func record(failure: String?, now: Date) async throws {
        try await store.write { [source] db in
            // Another one's is of a time when the configuration was another.
            try db.run(
                sql: "DELETE FROM source_failure WHERE source <> ? OR ?", arguments: [source, failure == nil])
            guard let failure else { return }
            try db.run(
                sql: """
                    INSERT INTO source_failure (source, since, text) VALUES (?, ?, ?)
                    ON CONFLICT (source) DO UPDATE SET text = excluded.text
                    """,
                arguments: [source, now.timeIntervalSinceReferenceDate, failure])
        }
    }

    /// What keeps mail from coming; nothing if it comes.
    public static func failures(in store: ServiceStore) async throws -> [RecordedFailure] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT since, text FROM source_failure ORDER BY since").map { row in
                RecordedFailure(text: row["text"], since: Date(timeIntervalSinceReferenceDate: row["since"]))
            }
        }
    }
}
