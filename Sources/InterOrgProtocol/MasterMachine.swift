import AddressBook
import Foundation

/// What the master does about one requestor's mail. Pure, like `RequestorMachine`.
public struct MasterMachine: Hashable, Sendable, Codable {
    public enum Action: Hashable, Sendable {
        /// The ranges may be imported, each as its `decision` says. Request numbers gate replies, never imports.
        case importRanges
        case drop(reason: String)
        case reply(to: RequestID, have: PerStream<ReceivedPosition?>)
    }

    public private(set) var lastHeard: Date?
    public private(set) var lastReplied: Date?
    /// How far the requestor has the master's log, as its newest request says.
    public private(set) var have = PerStream<ReceivedPosition?>(hierarchy: nil, contents: nil)
    /// The highest number of the requestor's journal that a request has mentioned.
    public private(set) var requestorHighest: Int64 = 0
    private var line: [UUID] = []
    private var request: RequestID?
    private var parts: Set<Int> = []
    private var lastPart: Int?
    private var isAnswered = false

    /// What the sender has replaced since. Its first message of all would otherwise begin a full transfer of what it had
    /// then, and whatever has come after it would be gone.
    static let earlierLifeReason =
        "it is from before the last start of the service that sent it, which has said more since"

    public init() {}

    /// A message has come.
    ///
    /// - Parameter wasParked: it came before, and is tried again. What it begins it has begun then: a message of a life
    ///   that a restored requestor knows nothing of would otherwise begin its request again and again, and no newer one
    ///   would ever be complete.
    public mutating func received(_ header: ExchangeHeader, wasParked: Bool = false, now: Date) -> [Action] {
        guard header.kind == .request else { return [.drop(reason: "it is a reply, and this is the master")] }
        if let current = header.line.current, line.dropLast().contains(current) {
            return [.drop(reason: Self.earlierLifeReason)]
        }
        if wasParked { return [.importRanges] }
        lastHeard = now
        if isNewer(header) {
            request = header.request
            line = header.line.incarnations.map(\.id)
            requestorHighest = header.line.highest
            have = header.have
            parts = []
            lastPart = nil
            isAnswered = false
        }
        return [.importRanges]
    }

    /// A message has been imported. When the last part of the newest request has been, it is answered, once.
    public mutating func imported(_ header: ExchangeHeader, now: Date) -> [Action] {
        guard let request, header.request == request, !isAnswered else { return [] }
        parts.insert(header.part)
        if header.isLast { lastPart = header.part }
        guard let lastPart, parts.count >= lastPart else { return [] }
        isAnswered = true
        lastReplied = now
        return [.reply(to: request, have: have)]
    }

    /// Whether the message belongs to a request after the newest one known. A requestor restored from a backup counts
    /// from a lower number again, in an incarnation that nobody has seen.
    private func isNewer(_ header: ExchangeHeader) -> Bool {
        guard let request else { return true }
        if header.line.current == line.last { return header.request.number > request.number }
        return !line.contains { $0 == header.line.current }
    }
}
