import AddressBook
import Foundation
import SQLiteStore

/// How mail to one organization goes.
public struct PeerMailStatus: Sendable, Codable {
    /// Why mail is not taken.
    public struct Failure: Sendable, Codable {
        public var since: Date
        /// Attempts in a row that have failed.
        public var attempts: Int
        /// The last one's error, with the server's words.
        public var error: String
        /// Whether somebody has to correct something: it is tried again rarely.
        public var isPermanent: Bool
    }

    /// What a mail system has reported about mail that was on its way.
    public struct Notice: Sendable, Codable {
        /// Whether a mail came back; false: one is late.
        public var isFailure: Bool
        public var since: Date
        public var last: Date
        /// How many have come since then.
        public var count: Int
        public var recipient: String?
        /// The status code (RFC 3463).
        public var status: String?
        /// What the refusing system said.
        public var diagnostic: String?
        /// A sentence with all of it.
        public var reason: String
    }

    public var address: String
    /// When a server last took a mail for it.
    public var lastSubmitted: Date?
    /// Messages that wait to be submitted, and their bytes before they are sealed.
    public var waitingMessages: Int
    public var waitingBytes: Int
    public var waitingSince: Date?
    /// When they are tried again.
    public var nextAttempt: Date?
    public var failure: Failure?
    public var notice: Notice?

    /// Whether somebody has to correct something.
    public var needsCorrection: Bool { failure?.isPermanent == true || notice?.isFailure == true }
}

extension PeerMailStatus {
    static func read(_ peer: Configuration.Peer, in store: ServiceStore) async throws -> PeerMailStatus {
        let id = OrganizationID(peer.organizationID)
        let state = try await PeerMail(store: store).state(of: id)
        let waiting = try await Outbox(store: store).waiting()[id]
        return PeerMailStatus(
            address: peer.address, lastSubmitted: state.lastSubmitted, waitingMessages: waiting?.count ?? 0,
            waitingBytes: waiting?.bytes ?? 0, waitingSince: waiting?.since,
            nextAttempt: waiting == nil ? nil : state.nextAttempt,
            failure: state.failure.map {
                Failure(since: $0.since, attempts: $0.attempts, error: $0.error, isPermanent: $0.isPermanent)
            },
            notice: state.notice.map {
                Notice(
                    isFailure: $0.notice.isFailure, since: $0.since, last: $0.last, count: $0.count,
                    recipient: $0.notice.recipient, status: $0.notice.status, diagnostic: $0.notice.diagnostic,
                    reason: $0.notice.reason)
            })
    }
}
