import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore

/// A request or a reply that is to be composed.
struct Letter {
    var kind: ExchangeHeader.Kind
    var request: RequestID
    var recipient: OrganizationID
    /// How far the recipient has the log, as it says itself.
    var have: PerStream<ReceivedPosition?>
    /// How far this side has the recipient's.
    var received: PerStream<ReceivedPosition?>
    /// What the recipient may see.
    var view = View.all
    var challenge: UUID?
    var challengeAnswer: UUID?
    /// The newest life of the recipient's log that is known.
    var heard: UUID?
    /// For how long a request stands, in seconds.
    var standing: Int?
    /// Whether what is missing from a full transfer is gone.
    var endsTransfers = true
}

extension Participant {
    /// Log → messages to a peer: everything above the position that it has, both streams.
    ///
    /// - Returns: how far the peer has the log when it has them.
    @discardableResult
    func post(_ letter: Letter) async throws -> PerStream<ReceivedPosition?> {
        let line = try await log.line()
        let view = letter.view
        let header = try await header(of: letter, line)
        let proxy = ProxyCollector(header: header, payloadBytesMax: surroundings.payloadBytesMax)
        var sent = PerStream<ReceivedPosition?>(hierarchy: nil, contents: nil)
        for stream in ChangeStream.allCases {
            let continuation = Continuation(
                from: letter.have[stream], in: line, view: view.version, newGeneration: surroundings.newID())
            await proxy.begin(stream, continuation)
            let source = LogSource(log, stream, view: view, through: line.highest)
            let state = OutgoingState(store: store, after: continuation.after)
            _ = try await synchronizer(from: source, to: proxy, state).synchronize()
            let open = letter.endsTransfers ? nil : continuation.generation
            let ends = continuation.generation != nil && open == nil
            let summary = ends ? try await log.summary(stream, view: view) : nil
            await proxy.end(through: line.highest, summary.map { ChangeRange.End($0) })
            sent[stream] = line.current.map { life in
                ReceivedPosition(
                    position: LogPosition(incarnation: life, number: line.highest),
                    generation: open.map { Generation(id: $0, highest: line.highest) }, view: view.version)
            }
        }
        let summaries = try await summaries(of: line, view)
        try await record(proxy.lastMessage(summaries: summaries), after: line.highest)
        return sent
    }

    /// A message that carries nothing but its header.
    func postHeader(of letter: Letter) async throws {
        let line = try await log.line()
        let header = try await header(of: letter, line)
        let proxy = ProxyCollector(header: header, payloadBytesMax: surroundings.payloadBytesMax)
        try await record(proxy.lastMessage(summaries: nil), after: line.highest)
    }

    private func record(_ message: OutgoingMessage, after number: Int64) async throws {
        var step = Step(now: surroundings.now())
        step.posted = [message]
        try await OutgoingState(store: store, after: number).commit(step)
    }

    private func header(of letter: Letter, _ line: IncarnationLine) async throws -> ExchangeHeader {
        let names = try await peers.names().filter { letter.view.shows($0.key) || $0.key == organization.id }
        var header = ExchangeHeader(
            kind: letter.kind, from: organization, to: letter.recipient, request: letter.request,
            have: letter.received, line: line,
            organizations: names.map { Organization(id: $0.key, name: $0.value) }
                .sorted { $0.id.uuid.text < $1.id.uuid.text })
        header.capabilities = surroundings.capabilities
        header.challenge = letter.challenge
        header.challengeAnswer = letter.challengeAnswer
        header.heard = letter.heard
        header.standing = letter.standing
        return header
    }

    /// What the log has of each organization; nil if it has gone on since the line was read.
    private func summaries(of line: IncarnationLine, _ view: View) async throws -> [OrganizationSummary]? {
        let summaries = try await log.summaries(view)
        guard try await log.line().highest == line.highest else { return nil }
        return summaries.map { OrganizationSummary($0.key, $0.value) }
            .sorted { $0.organization.uuid.text < $1.organization.uuid.text }
    }

    /// Message → collector, stream by stream.
    ///
    /// - Parameters:
    ///   - states: how far the sender's log has been received, and what of it the collector has.
    ///   - mayChange: whose entries the sender may change.
    func importRanges(
        of message: ReceivedMessage, states: PerStream<StoredSynchronizationState>,
        collector: (StoredSynchronizationState) -> any Collector,
        mayChange: @escaping @Sendable (OrganizationID) -> Bool
    ) async throws -> ImportedRanges {
        var result = ImportedRanges()
        for stream in ChangeStream.allCases {
            guard let range = message.header.ranges[stream] else { continue }
            let state = states[stream]
            let decision = range.decision(
                line: message.header.line, position: try await state.cursor()?.receivedPosition,
                hierarchy: try await states.hierarchy.cursor()?.receivedPosition)
            switch decision {
            case .drop, .unrelated: continue
            case .park(let reason): result.parked = reason
            case .importAbove(let number, let generation):
                let source = MessageSource(
                    message: message, stream: stream, above: number, generation: generation, state: state,
                    mayChange: mayChange)
                result.report =
                    result.report + (try await synchronizer(from: source, to: collector(state), state).synchronize())
                // It would be closed now.
                if range.end != nil, let open = try await state.cursor()?.receivedPosition?.generation {
                    result.contradictsEnd = result.contradictsEnd || range.through >= open.highest
                }
            }
        }
        return result
    }

    /// How far a peer's log has been received, by the states of the two streams.
    func received(_ states: PerStream<StoredSynchronizationState>) async throws -> PerStream<ReceivedPosition?> {
        PerStream(
            hierarchy: try await states.hierarchy.cursor()?.receivedPosition,
            contents: try await states.contents.cursor()?.receivedPosition)
    }

    /// Whether all of the sender's log is here, up to the highest number that a message names.
    func hasCome(
        _ line: IncarnationLine, _ states: PerStream<StoredSynchronizationState>
    ) async throws -> Bool {
        let received = try await received(states)
        return ChangeStream.allCases.allSatisfy { stream in
            received[stream].map {
                $0.generation == nil && $0.position.number == line.highest && line.contains($0.position)
            } ?? false
        }
    }

    /// The organizations of whose entries the sender's log has others than have come, although all of it has come.
    ///
    /// - Parameter mayChange: whose entries the sender may change: what it says of others is not heard.
    func divergent(
        from header: ExchangeHeader, _ states: PerStream<StoredSynchronizationState>, _ imported: ImportedRanges,
        mayChange: (OrganizationID) -> Bool
    ) async throws -> Set<OrganizationID> {
        // Whose entries differ is not known.
        if imported.contradictsEnd { return [header.from.id] }
        guard let stated = header.summaries, try await hasCome(header.line, states) else { return [] }
        var sums = try await states.hierarchy.summaries()
        sums.merge(try await states.contents.summaries()) { $0 + $1 }
        var known = Dictionary(
            sums.map { ($0.key, OrganizationSummary($0.key, $0.value)) }, uniquingKeysWith: { first, _ in first })
        var divergent: Set<OrganizationID> = []
        for summary in stated where mayChange(summary.organization) {
            let nothing = OrganizationSummary(summary.organization, SetSummary())
            if known.removeValue(forKey: summary.organization) ?? nothing != summary {
                divergent.insert(summary.organization)
            }
        }
        return divergent.union(known.values.filter { $0.count != 0 }.map(\.organization))
    }
}

/// What came of a message's ranges.
struct ImportedRanges {
    var report = SynchronizationReport()
    /// Set when a part of the message has to wait for another message.
    var parked: String?
    /// Whether a full transfer is over and has brought other entries than its end names.
    var contradictsEnd = false
}

extension ReceivedMessage {
    /// Without the ends of full transfers: they go on.
    var withoutEnds: ReceivedMessage {
        var message = self
        for stream in ChangeStream.allCases { message.header.ranges[stream]?.end = nil }
        return message
    }
}
