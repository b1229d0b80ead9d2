import AddressBook
import Foundation

/// What a requestor does about time and mail. Pure: an event gives actions, and somebody else carries them out.
public struct RequestorMachine: Hashable, Sendable, Codable {
    public enum Action: Hashable, Sendable {
        case postRequest(RequestID)
        /// The ranges may be imported, each as its `decision` says.
        case importRanges
        case drop(reason: String)
    }

    /// A scheduled request is not posted while the last one is younger than this, in seconds, and not answered.
    public static let overdueSeconds: TimeInterval = 30
    /// How long the master is waited for before it is asked again outside the schedule, in seconds: after the first request,
    /// and at most.
    static let patienceSeconds = 60.0...3600.0
    /// How long a gap is left to close by itself before the master is asked for it, in seconds: the first time, and at most.
    static let gapSeconds = 5.0...3600.0
    /// A reply that comes after this many newer requests is not ours any more.
    static let outstandingMax = 32

    /// How far the master has this organization's journal, as its newest reply says.
    public private(set) var acknowledged = PerStream<ReceivedPosition?>(hierarchy: nil, contents: nil)
    public private(set) var lastSent: Date?
    public private(set) var lastHeard: Date?
    /// The highest number of the master's log, as its newest reply says.
    public private(set) var masterHighest: Int64 = 0
    /// The lives of the master's log, as its newest reply says; nil before the first.
    private var masterLine: [UUID]?
    /// The newest life of the master's log that is known.
    public var masterLife: UUID? { masterLine?.last }
    public private(set) var capabilities: Capabilities?
    /// What the next request gives back to the master.
    public private(set) var challenge: UUID?
    public private(set) var divergence = Divergence()
    private var outstanding: [RequestID] = []
    private var waitingSince: Date?
    private var acknowledgedBy: Int64 = 0
    /// The number of the first request after the positions were given up last.
    private var firstAnew: Int64?
    private var lastNumber: Int64 = 0
    /// How many requests have been posted since the master was last heard.
    private var unanswered = 0
    /// When the master is asked for what is missing before a parked message, and how often it has been.
    private var gapDue: Date?
    private var gapAsked = 0

    public init() {}

    /// The organizations of whose entries the master has others than have come.
    ///
    /// - Returns: whether everything is to be transferred anew; it is asked for at once.
    public mutating func compared(_ organizations: Set<OrganizationID>, now: Date) -> Bool {
        guard divergence.compared(organizations, now: now) else { return false }
        gapDue = now
        return true
    }

    /// Whether a request has been posted that no reply has answered in full.
    public var isWaiting: Bool { waitingSince != nil }

    /// Whether a request stands that was posted for so long, in seconds, and is not half over; or another one would be of no
    /// use yet.
    public func stands(_ seconds: Int, now: Date) -> Bool {
        if isOverdue(now: now) { return true }
        guard let lastSent, unanswered == 0 else { return false }
        return (0..<TimeInterval(max(1, seconds)) / 2).contains(now.timeIntervalSince(lastSent))
    }

    /// Whether more than one request has had no answer, and the next one is not due yet: while the master is silent, it is
    /// asked less and less often.
    public func isOverdue(now: Date) -> Bool {
        unanswered > 1 && due != nil && !isDue(now: now)
    }

    private func isDue(now: Date) -> Bool {
        guard let due else { return false }
        // Longer than any pause: the clock was set back, and would have to catch up first.
        return due <= now || due.timeIntervalSince(now) > Self.patienceSeconds.upperBound
    }

    /// The service has started anew: whether the last request was posted is not known.
    public mutating func restarted() {
        waitingSince = nil
        lastSent = nil
    }

    /// The schedule says that it is time.
    ///
    /// A scheduled request is always sent, it is the poll and the sign of life; except that one that is just being
    /// answered is not repeated, which would multiply the mail of a first exchange.
    public mutating func scheduled(now: Date, nonce: UUID) -> [Action] {
        // A clock that was set back would otherwise silence the requestor until it has caught up.
        if let waitingSince, (0..<Self.overdueSeconds).contains(now.timeIntervalSince(waitingSince)) { return [] }
        return post(now: now, nonce: nonce)
    }

    /// When a request is due that no schedule asks for.
    public func due(now: Date) -> Date? { isDue(now: now) ? now : due }

    /// When the reply is overdue, or what is missing before something that has come is asked for.
    var due: Date? {
        let overdue = waitingSince.map { since in
            since.addingTimeInterval(Self.doubled(Self.patienceSeconds, times: unanswered - 1))
        }
        return [overdue, gapDue].compactMap { $0 }.min()
    }

    /// Posts a request if one is due.
    public mutating func asked(now: Date, nonce: UUID) -> [Action] {
        guard isDue(now: now) else { return [] }
        if gapDue != nil { gapAsked += 1 }
        return post(now: now, nonce: nonce)
    }

    private mutating func post(now: Date, nonce: UUID) -> [Action] {
        lastNumber += 1
        let request = RequestID(number: lastNumber, nonce: nonce)
        outstanding.append(request)
        outstanding.removeFirst(max(0, outstanding.count - Self.outstandingMax))
        waitingSince = now
        lastSent = now
        unanswered += 1
        gapDue = nil
        return [.postRequest(request)]
    }

    private static func doubled(_ range: ClosedRange<Double>, times: Int) -> TimeInterval {
        min(range.upperBound, range.lowerBound * Double(1 << min(max(0, times), 20)))
    }

    /// A message has come.
    ///
    /// - Parameter nonce: for a request, should one be posted at once.
    public mutating func received(
        _ header: ExchangeHeader, from master: OrganizationID, now: Date, nonce: UUID
    ) -> [Action] {
        guard header.kind == .reply else { return [.drop(reason: "it is a request, and this is a requestor")] }
        guard header.from.id == master else { return [.drop(reason: "\(header.from.name) is not the master")] }
        guard outstanding.contains(header.request) else {
            return [.drop(reason: "it answers request \(header.request.number), which is none of ours any more")]
        }
        if let current = header.line.current, masterLine?.dropLast().contains(current) == true {
            return [.drop(reason: "it is from an earlier life of the master's service")]
        }
        // A life that does not go on from the newest one known: after a restored backup. Or before it, and long under way:
        // only the answer to a newer request shows which.
        if let newest = masterLine?.last, !header.line.incarnations.contains(where: { $0.id == newest }),
            header.request.number <= acknowledgedBy
        {
            return [.drop(reason: "it is from a life of the master's service that may be lost")]
        }
        let isAwaited = waitingSince != nil && header.request.number == lastNumber
        // What has come before may have been sent again by anybody.
        if isAwaited || header.request.number > acknowledgedBy || header.line.highest > masterHighest {
            lastHeard = now
            unanswered = 0
        }
        // A long answer is not overdue while its parts come.
        if isAwaited { waitingSince = now }
        if let challenge = header.challenge {
            // One that has not been answered yet is answered at once; one that was, by the schedule.
            guard challenge != self.challenge else { return [] }
            self.challenge = challenge
            return post(now: now, nonce: nonce)
        }
        challenge = nil
        if header.request.number >= acknowledgedBy {
            masterLine = header.line.incarnations.map(\.id)
            masterHighest = header.line.highest
            acknowledgedBy = header.request.number
            acknowledged = header.have
            capabilities = header.capabilities
        }
        return [.importRanges]
    }

    /// The positions are given up: everything is asked for anew.
    public mutating func beginAnew() {
        firstAnew = lastNumber + 1
    }

    /// Whether what is missing from a full transfer of this reply is gone. What came after it was written is missing from an
    /// older one, too, which may be late, or come again.
    public func endsTransfers(_ header: ExchangeHeader) -> Bool {
        header.request.number >= max(firstAnew ?? 0, acknowledgedBy)
    }

    /// A message has been imported; or parked, while something before it is missing.
    public mutating func imported(_ header: ExchangeHeader, isParked: Bool, now: Date) {
        if isParked {
            gapDue = gapDue ?? now.addingTimeInterval(Self.doubled(Self.gapSeconds, times: gapAsked))
        } else if header.isLast {
            gapDue = nil
            gapAsked = 0
        }
        // Once it was the last of its reply, the next request may go at its time.
        guard header.isLast, header.request.number == lastNumber else { return }
        waitingSince = nil
    }
}
