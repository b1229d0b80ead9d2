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

    /// The master is asked again when it has not answered for this long, in seconds.
    public static let overdueSeconds: TimeInterval = 30
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
    private var outstanding: [RequestID] = []
    private var waitingSince: Date?
    private var acknowledgedBy: Int64 = 0
    private var lastNumber: Int64 = 0

    public init() {}

    /// Whether a request has been posted that no reply has answered in full.
    public var isWaiting: Bool { waitingSince != nil }

    /// The service has started anew: whether the last request was posted is not known.
    public mutating func restarted() {
        waitingSince = nil
    }

    /// The schedule says that it is time.
    ///
    /// A scheduled request is always sent, it is the poll and the sign of life; except that one that is just being
    /// answered is not repeated, which would multiply the mail of a first exchange.
    public mutating func scheduled(now: Date, nonce: UUID) -> [Action] {
        // A clock that was set back would otherwise silence the requestor until it has caught up.
        if let waitingSince, (0..<Self.overdueSeconds).contains(now.timeIntervalSince(waitingSince)) { return [] }
        lastNumber += 1
        let request = RequestID(number: lastNumber, nonce: nonce)
        outstanding.append(request)
        outstanding.removeFirst(max(0, outstanding.count - Self.outstandingMax))
        waitingSince = now
        lastSent = now
        return [.postRequest(request)]
    }

    /// A message has come.
    public mutating func received(_ header: ExchangeHeader, from master: OrganizationID, now: Date) -> [Action] {
        guard header.kind == .reply else { return [.drop(reason: "it is a request, and this is a requestor")] }
        guard header.from.id == master else { return [.drop(reason: "\(header.from.name) is not the master")] }
        guard outstanding.contains(header.request) else {
            return [.drop(reason: "it answers request \(header.request.number), which is none of ours any more")]
        }
        if let current = header.line.current, masterLine?.dropLast().contains(current) == true {
            return [.drop(reason: MasterMachine.earlierLifeReason)]
        }
        lastHeard = now
        if header.request.number >= acknowledgedBy {
            masterLine = header.line.incarnations.map(\.id)
            masterHighest = header.line.highest
            acknowledgedBy = header.request.number
            acknowledged = header.have
        }
        return [.importRanges]
    }

    /// A message has been imported. Once it was the last of its reply, the next request may go at its time.
    public mutating func imported(_ header: ExchangeHeader) {
        guard header.isLast, header.request.number == lastNumber else { return }
        waitingSince = nil
    }
}
