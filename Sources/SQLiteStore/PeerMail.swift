import AddressBook
import Foundation
import GRDB

/// Why mail to a peer is not being taken by its submission server.
public struct SubmissionFailure: Hashable, Sendable {
    /// When the first of the attempts in a row failed.
    public var since: Date
    /// How many attempts in a row have failed.
    public var attempts: Int
    /// The last one's error, with the server's words.
    public var error: String
    /// Whether the server has refused for good, so that somebody has to correct something.
    public var isPermanent: Bool
}

/// What a mail system has reported about mail to a peer (RFC 3464). Information for people: anybody can send such a report.
public struct DeliveryNotice: Hashable, Sendable, Codable {
    /// Whether the mail will not be delivered; false: it is late.
    public var isFailure: Bool
    /// Whom the mail was for, as the report says; nil if it does not.
    public var recipient: String?
    /// The status code, such as `5.1.1` (RFC 3463).
    public var status: String?
    /// What the refusing system said.
    public var diagnostic: String?
    /// A sentence with all of it.
    public var reason: String

    public init(isFailure: Bool, recipient: String?, status: String?, diagnostic: String?, reason: String) {
        self.isFailure = isFailure
        self.recipient = recipient
        self.status = status
        self.diagnostic = diagnostic
        self.reason = reason
    }
}

/// How the mail to and from one peer goes.
public struct PeerMailState: Sendable {
    /// When a server last took a mail for the peer.
    public var lastSubmitted: Date?
    /// The newest mail that the peer has sent.
    public var heardMessageID: String?
    /// Nil when the last attempt was a success.
    public var failure: SubmissionFailure?
    /// No attempt before; nil: at once.
    public var nextAttempt: Date?
    /// A message with fewer bytes may be tried before: this one was too large.
    public var tooLargeBytes: Int?
    /// The newest notice about mail that nothing shows to have arrived since; with when the first of them came.
    public var notice: (notice: DeliveryNotice, since: Date, last: Date, count: Int)?
}

/// How the mail to and from each peer goes: what servers took of it and refused, and what became of it on its way.
public struct PeerMail: Sendable {
    let store: ServiceStore

    /// Mails to a peer that can be recognized when something about them comes back.
    static let sentMax = 500

    public init(store: ServiceStore) {
        self.store = store
    }

    /// How the mail to and from a peer goes.
    public func state(of peer: OrganizationID) async throws -> PeerMailState {
        try await store.read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM peer_mail WHERE organization = ?", arguments: [peer.uuid])
            else { return PeerMailState() }
            var state = PeerMailState(
                lastSubmitted: Self.date(row["last_submitted"]), heardMessageID: row["heard_message_id"],
                nextAttempt: Self.date(row["next_attempt"]), tooLargeBytes: row["too_large_bytes"])
            if let since = Self.date(row["failing_since"]) {
                state.failure = SubmissionFailure(
                    since: since, attempts: row["failures"], error: row["error"] ?? "",
                    isPermanent: row["is_permanent"])
            }
            if let bytes = row["notice"] as Data?, let since = Self.date(row["notice_since"]),
                let last = Self.date(row["notice_last"])
            {
                let notice = try JSONDecoder().decode(DeliveryNotice.self, from: bytes)
                state.notice = (notice, since, last, row["notice_count"])
            }
            return state
        }
    }

    /// A server has taken a message: it need not wait any more, and mail to the peer works again.
    public func submitted(_ message: WaitingMessage, as messageID: String, now: Date) async throws {
        let peer = message.recipient.uuid
        try await store.write { db in
            try db.run(sql: "DELETE FROM outbox WHERE id = ?", arguments: [message.id])
            try db.run(
                sql: "INSERT INTO sent_mail (organization, message_id, request) VALUES (?, ?, ?)",
                arguments: [peer, messageID, message.request])
            try db.run(
                sql: """
                    DELETE FROM sent_mail WHERE organization = ? AND id <=
                        (SELECT id FROM sent_mail WHERE organization = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
                    """, arguments: [peer, peer, Self.sentMax])
            try db.run(
                sql: """
                    INSERT INTO peer_mail (organization, last_submitted) VALUES (?, ?)
                    ON CONFLICT (organization) DO UPDATE SET last_submitted = excluded.last_submitted, failures = 0,
                        failing_since = NULL, next_attempt = NULL, error = NULL, is_permanent = 0,
                        too_large_bytes = NULL
                    """, arguments: [peer, now.timeIntervalSinceReferenceDate])
        }
    }

    /// A message was not taken. It waits, and everything for the peer with it, until the time of the next attempt.
    ///
    /// - Parameter tooLargeBytes: what the message has, if that was too large.
    public func failed(
        _ peer: OrganizationID, error: String, isPermanent: Bool, tooLargeBytes: Int? = nil, nextAttempt: Date,
        now: Date
    ) async throws {
        let now = now.timeIntervalSinceReferenceDate
        try await store.write { db in
            try db.run(
                sql: """
                    INSERT INTO peer_mail (organization, failing_since, failures, next_attempt, error, is_permanent,
                        too_large_bytes)
                    VALUES (?, ?, 1, ?, ?, ?, ?)
                    ON CONFLICT (organization) DO UPDATE SET failing_since = COALESCE(failing_since, excluded.failing_since),
                        failures = failures + 1, next_attempt = excluded.next_attempt, error = excluded.error,
                        is_permanent = excluded.is_permanent,
                        too_large_bytes = MIN(excluded.too_large_bytes,
                            COALESCE(too_large_bytes, excluded.too_large_bytes))
                    """,
                arguments: [
                    peer.uuid, now, nextAttempt.timeIntervalSinceReferenceDate, error, isPermanent, tooLargeBytes,
                ])
        }
    }

    /// Somebody may have corrected what was wrong: what waits may be tried at once.
    public func forgetPauses() async throws {
        try await store.write { db in
            try db.run(sql: "UPDATE peer_mail SET next_attempt = NULL WHERE next_attempt IS NOT NULL")
        }
    }

    /// A mail of the peer has come. If it shows that mail arrives there which was sent later than the one that a notice
    /// was about, then the notice is of no interest any more.
    ///
    /// - Parameters:
    ///   - inReplyTo: the mail of ours that it says it answers.
    ///   - request: the number of the request of ours that it answers.
    public func heard(
        _ peer: OrganizationID, messageID: String?, inReplyTo: String?, answering request: Int64?
    ) async throws {
        try await store.write { db in
            try db.run(
                sql: """
                    INSERT INTO peer_mail (organization, heard_message_id) VALUES (?, ?)
                    ON CONFLICT (organization) DO UPDATE SET heard_message_id = excluded.heard_message_id
                    """, arguments: [peer.uuid, messageID])
            // Whose server was away is back.
            try db.run(
                sql: "UPDATE peer_mail SET next_attempt = NULL WHERE organization = ? AND NOT is_permanent",
                arguments: [peer.uuid])
            try db.run(
                sql: """
                    UPDATE peer_mail SET notice = NULL, notice_since = NULL, notice_last = NULL, notice_count = 0
                    WHERE organization = ? AND notice IS NOT NULL AND notice_about < (
                        SELECT MAX(id) + (is_late <> 0) FROM sent_mail
                        WHERE organization = peer_mail.organization AND (message_id = ? OR request = ?))
                    """, arguments: [peer.uuid, inReplyTo, request])
        }
    }

    /// Keeps a notice, if it is about a mail of ours.
    ///
    /// - Parameters:
    ///   - messageID: the mail that it is about; nil if it does not say.
    ///   - addressee: the peer to whose address the mail was sent, as the notice says.
    /// - Returns: the peer whose mail it is about; nil if it is about no mail of ours.
    public func noticed(
        _ notice: DeliveryNotice, messageID: String?, addressee: OrganizationID?, now: Date
    ) async throws -> OrganizationID? {
        try await store.write { db in
            // Systems on the way may have given the mail another identity: then the address has to do.
            let sent =
                try Row.fetchOne(
                    db, sql: "SELECT id, organization FROM sent_mail WHERE message_id = ? ORDER BY id DESC",
                    arguments: [messageID])
                ?? Row.fetchOne(
                    db, sql: "SELECT id, organization FROM sent_mail WHERE organization = ? ORDER BY id DESC",
                    arguments: [addressee?.uuid])
            guard let sent else { return nil }
            let peer = OrganizationID(sent["organization"])
            let seconds = now.timeIntervalSinceReferenceDate
            try db.run(
                sql: """
                    UPDATE peer_mail SET notice = ?, notice_about = ?, is_late = ?, notice_last = ?,
                        notice_since = COALESCE(notice_since, ?), notice_count = notice_count + 1
                    WHERE organization = ?
                    """,
                arguments: [
                    try JSONEncoder().encode(notice), sent["id"] as Int64, !notice.isFailure, seconds, seconds,
                    peer.uuid,
                ])
            return peer
        }
    }

    private static func date(_ seconds: Double?) -> Date? {
        seconds.map { Date(timeIntervalSinceReferenceDate: $0) }
    }
}
