import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol

/// One stream of a received message as change source. Its cursor is the position in the peer's log that the batch
/// leads to.
struct MessageSource: ChangeSource {
    let message: ReceivedMessage
    let stream: ChangeStream
    /// Only changes numbered above it are news.
    let above: Int64
    /// The full transfer that the changes count for.
    let generation: Generation?
    let state: any SynchronizationState
    /// Whose entries the sender may change.
    let mayChange: @Sendable (OrganizationID) -> Bool

    func read(after cursor: Cursor?) async throws -> any ChangeReader {
        MessageReader(source: self)
    }
}

extension Cursor {
    /// A cursor in a peer's log; nil stands for "nothing".
    init(_ position: ReceivedPosition?) throws {
        self.init(bytes: try position.map { Array(try JSONEncoder().encode($0)) } ?? [])
    }

    var receivedPosition: ReceivedPosition? {
        try? JSONDecoder().decode(ReceivedPosition.self, from: Data(bytes))
    }
}

private actor MessageReader: ChangeReader {
    private let source: MessageSource
    private var index = 0
    private var lastNumber: Int64
    private var isAtEnd = false

    private static let batchSize = 1000

    init(source: MessageSource) {
        self.source = source
        self.lastNumber = source.message.header.ranges[source.stream]?.after ?? 0
    }

    func next() async throws -> ChangeBatch? {
        if index < source.message.count(source.stream) { return try nextOfLines() }
        guard !isAtEnd else { return nil }
        isAtEnd = true
        return try await lastBatch()
    }

    private func nextOfLines() throws -> ChangeBatch {
        let count = source.message.count(source.stream)
        let indices = index..<min(index + Self.batchSize, count)
        let changes = try source.message.changes(source.stream, indices)
        index = indices.upperBound
        if let foreign = changes.first(where: { !source.mayChange($0.change.id.organization) }) {
            throw MessageError.damaged(
                "\(source.message.header.from.name) may not change \(foreign.change.id), an entry of another organization"
            )
        }
        // The position moves along with the numbers: what came in another order would be skipped after an interruption.
        for change in changes {
            guard change.number > lastNumber, change.number <= source.message.header.ranges[source.stream]?.through ?? 0
            else { throw MessageError.damaged("change \(change.number) is not in its place in the range") }
            lastNumber = change.number
        }
        let through = max(changes.last?.number ?? source.above, source.above)
        let observations = changes.filter { $0.number > source.above }
            .map { Observation(.change($0.change), number: $0.number) }
        return ChangeBatch(
            observations: observations, cursor: try cursor(at: through, source.generation),
            refresh: source.generation.map { RefreshID($0.id) },
            // What comes after the lines is concluded from what the state has of them.
            allowsReadingAhead: index < count)
    }

    /// The position behind the range. At the end of a full transfer, what is missing from it is gone; but only if the
    /// transfer has come whole, otherwise nothing is concluded and it is asked for again.
    private func lastBatch() async throws -> ChangeBatch? {
        guard let range = source.message.header.ranges[source.stream] else { return nil }
        guard let generation = source.generation else {
            return ChangeBatch(observations: [], cursor: try cursor(at: range.through, nil))
        }
        let refresh = RefreshID(generation.id)
        guard let end = range.end, range.through >= generation.highest,
            ChangeRange.End(try await source.state.summary(seenIn: refresh)) == end
        else {
            return ChangeBatch(observations: [], cursor: try cursor(at: range.through, generation), refresh: refresh)
        }
        return ChangeBatch(
            observations: [], cursor: try cursor(at: range.through, nil), refresh: refresh, completesRefresh: true,
            coversEverything: source.stream == .contents)
    }

    private func cursor(at number: Int64, _ generation: Generation?) throws -> Cursor {
        guard let incarnation = source.message.header.line.current else { return try Cursor(nil) }
        let position = LogPosition(incarnation: incarnation, number: number)
        let view = source.message.header.ranges[source.stream]?.view
        return try Cursor(ReceivedPosition(position: position, generation: generation, view: view))
    }
}
