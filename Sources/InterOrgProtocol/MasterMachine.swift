import AddressBook
import Foundation

/// What the master does about one requestor's mail. Pure, like `RequestorMachine`.
public struct MasterMachine: Hashable, Sendable, Codable {
    public enum Action: Hashable, Sendable {
        /// The ranges may be imported, each as its `decision` says. Request numbers gate replies, never imports.
        case importRanges
        case drop(reason: String)
        /// The requestor is to prove that it is alive: nothing is imported, nothing else is said.
        case challenge(RequestID, UUID)
        case reply(to: RequestID, have: PerStream<ReceivedPosition?>)
        /// If there is something new above what it has.
        case replyIfNews(to: RequestID, have: PerStream<ReceivedPosition?>)
    }

    /// A request that is answered again whenever there is more.
    private struct Standing: Hashable, Codable {
        var until: Date
        /// How far the log has been sent.
        var sent: PerStream<ReceivedPosition?>?
    }

    public private(set) var lastHeard: Date?
    public private(set) var lastReplied: Date?
    /// How far the requestor has the master's log, as its newest request says.
    public private(set) var have = PerStream<ReceivedPosition?>(hierarchy: nil, contents: nil)
    /// The highest number of the requestor's journal that a request has mentioned.
    public private(set) var requestorHighest: Int64 = 0
    public private(set) var capabilities: Capabilities?
    /// The newest life of the master's log that the requestor knew when it told what has come last as a whole: all of its
    /// journal.
    public private(set) var heardIn: UUID?
    /// The newest life of the master's log that the newest request knows.
    public private(set) var knownLife: UUID?
    public private(set) var living = LivingIncarnation()
    public var divergence = Divergence()
    private var incarnation: UUID?
    private var request: RequestID?
    private var parts: Set<Int> = []
    private var lastPart: Int?
    private var isAnswered = false
    private var challenged: RequestID?
    /// Whether the positions were given up, and no newer request has come since.
    private var beginsAnew: Bool?
    private var standing: Standing?

    /// No request stands longer than this, in seconds, whatever it says.
    static let standingSecondsMax = 86_400

    public init() {}

    /// A message has come.
    ///
    /// - Parameter nonce: for a challenge, should one be needed.
    public mutating func received(_ header: ExchangeHeader, now: Date, nonce: UUID) -> [Action] {
        guard header.kind == .request else { return [.drop(reason: "it is a reply, and this is the master")] }
        switch living.judge(header.line, answer: header.challengeAnswer, nonce: nonce) {
        case .believed: break
        case .past: return [.drop(reason: "it is from an earlier life of \(header.from.name)'s service")]
        case .doubled:
            return [
                .drop(
                    reason:
                        "two copies of \(header.from.name)'s service are alive, and neither is believed; stop one of "
                        + "them, then say interorg resync import \(header.from.name)")
            ]
        case .challenged(let nonce):
            // However many parts a request has, it is challenged once.
            guard challenged != header.request else {
                return [.drop(reason: "\(header.from.name) has not answered the challenge yet")]
            }
            challenged = header.request
            return [.challenge(header.request, nonce)]
        }
        challenged = nil
        // What has come before may have been sent again by anybody.
        if header.request == request, !parts.contains(header.part) { lastHeard = now }
        if isNewer(header) {
            lastHeard = now
            incarnation = header.line.current
            request = header.request
            requestorHighest = header.line.highest
            have = header.have
            capabilities = header.capabilities
            parts = []
            lastPart = nil
            isAnswered = false
            beginsAnew = nil
            knownLife = header.heard
            standing = header.standing.map { seconds in
                Standing(until: now.addingTimeInterval(TimeInterval(min(max(0, seconds), Self.standingSecondsMax))))
            }
        }
        return [.importRanges]
    }

    /// The positions are given up: everything is asked for anew.
    public mutating func beginAnew() {
        beginsAnew = true
    }

    /// A person has decided: if two copies of the service were alive, one of them is believed again.
    public mutating func forgive() {
        if living.isDoubled { living = LivingIncarnation() }
    }

    /// Whether what is missing from a full transfer of this request is gone. What came after it was written is missing from an
    /// older one, too, which may be late, or come again.
    public func endsTransfers(_ header: ExchangeHeader) -> Bool { beginsAnew != true && header.request == request }

    /// A message has been imported.
    ///
    /// - Parameter hasCome: whether all of the requestor's journal is here, up to the number that the message names.
    public mutating func imported(_ header: ExchangeHeader, hasCome: Bool) {
        if hasCome, header.request == request { heardIn = header.heard }
        guard let request, header.request == request, !isAnswered else { return }
        parts.insert(header.part)
        if header.isLast { lastPart = header.part }
    }

    /// The answer that is due: once to the newest request, when all its parts have been imported; and to a request that
    /// stands, from where the last answer ended. What of that is lost on the way is asked for by the next request.
    public func answer(now: Date) -> Action? {
        guard let request else { return nil }
        guard isAnswered else {
            guard let lastPart, parts.count >= lastPart else { return nil }
            return .reply(to: request, have: have)
        }
        guard let standing, standing.until > now, let sent = standing.sent else { return nil }
        return .replyIfNews(to: request, have: sent)
    }

    /// An answer has been posted that goes up to these positions.
    public mutating func replied(through sent: PerStream<ReceivedPosition?>, now: Date) {
        isAnswered = true
        lastReplied = now
        standing?.sent = sent
    }

    /// Whether the message belongs to a request after the newest one known. A new life of the requestor may count from a
    /// lower number again, if it was restored from a backup.
    private func isNewer(_ header: ExchangeHeader) -> Bool {
        guard let request, header.line.current == incarnation else { return true }
        return header.request.number > request.number
    }
}

/// When it was found that one side does not have what the other says it has, although nothing is under way.
public struct Divergence: Hashable, Sendable, Codable {
    /// By organization: when it was last found.
    public private(set) var found: [OrganizationID: Date] = [:]

    /// A full transfer that has not helped is not repeated before this many seconds have passed.
    static let pauseSeconds: TimeInterval = 86_400

    public init() {}

    /// - Parameter organizations: those whose entries differ at the end of an exchange.
    /// - Returns: whether everything is to be transferred anew.
    public mutating func compared(_ organizations: Set<OrganizationID>, now: Date) -> Bool {
        let news = organizations.filter { id in
            // A clock that was set back would otherwise keep it from being found again.
            found[id].map { !(0..<Self.pauseSeconds).contains(now.timeIntervalSince($0)) } ?? true
        }
        for id in news { found[id] = now }
        return !news.isEmpty
    }
}
