import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol

/// The collector of a remote site (R11): packs the changes of both streams into messages of limited size, which the
/// step records for the transport. Each message stands alone: its own ranges, digest and count.
actor ProxyCollector: Collector {
    private var header: ExchangeHeader
    private let payloadBytesMax: Int
    private var stream: ChangeStream = .hierarchy
    private var lines = PerStream<[[UInt8]]>(hierarchy: [], contents: [])
    private var bytes = 0
    private var hierarchyThrough: Int64 = 0

    /// - Parameters:
    ///   - header: of the first message; parts, ranges and counts are filled in.
    ///   - payloadBytesMax: how large the NDJSON of one message may be.
    init(header: ExchangeHeader, payloadBytesMax: Int) {
        self.header = header
        self.payloadBytesMax = payloadBytesMax
    }

    /// What the changes that follow belong to.
    func begin(_ stream: ChangeStream, _ continuation: Continuation) {
        self.stream = stream
        header.ranges[stream] = ChangeRange(
            after: continuation.after, through: continuation.after, generation: continuation.generation,
            needsHierarchy: stream == .contents ? hierarchyThrough : nil, view: continuation.view)
    }

    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        var result = ImportResult(outcomes: [])
        for change in changes {
            guard let number = change.number else {
                result.outcomes.append(.refused(reason: "it has no number in a log"))
                continue
            }
            let line = NumberedChange(number: number, change: change.change).line
            if bytes > 0, bytes + line.count + 1 > payloadBytesMax {
                result.posted.append(try seal(isLast: false))
                let range = header.ranges[stream]
                header.ranges = PerStream(hierarchy: nil, contents: nil)
                begin(
                    stream,
                    Continuation(after: range?.through ?? 0, generation: range?.generation, view: range?.view))
            }
            lines[stream].append(line)
            bytes += line.count + 1
            header.ranges[stream]?.through = number
            result.outcomes.append(.imported(nil))
        }
        return result
    }

    /// All changes of the stream have been imported, up to this number.
    func end(through: Int64, _ end: ChangeRange.End?) {
        header.ranges[stream]?.through = through
        header.ranges[stream]?.end = end
        if stream == .hierarchy { hierarchyThrough = through }
    }

    /// The last message, which has both streams' ends.
    ///
    /// - Parameter summaries: what the log has of each organization.
    func lastMessage(summaries: [OrganizationSummary]?) throws -> OutgoingMessage {
        header.summaries = summaries
        return try seal(isLast: true)
    }

    private func seal(isLast: Bool) throws -> OutgoingMessage {
        header.isLast = isLast
        let isFirst = header.part == 1
        let payload = try EncodedMessage.encode(header, lines: lines)
        header.part += 1
        lines = PerStream(hierarchy: [], contents: [])
        bytes = 0
        return OutgoingMessage(recipient: header.to, request: header.request.number, isFirst: isFirst, payload: payload)
    }
}
