import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import SQLiteStore
import SynchronizationTestSupport
import Testing

@testable import InterOrgServices

@Suite("A message as change source")
struct MessageSourceTests {
    private static let count = 2_500
    private static let generation = Generation(id: UUID(), highest: Int64(count))
    private let people = (1...count).map { Sample.person($0) }
    private let state: StoredSynchronizationState

    init() async throws {
        let store = try ServiceStore(database: DatabaseQueue())
        state = try await StoredSynchronizationState.open("receive", .contents, in: store)
    }

    /// The sender's people, all in one message.
    ///
    /// - Parameter damaged: a change that is not in its place.
    private func source(damaged: Int? = nil) throws -> MessageSource {
        var all = SetSummary()
        for person in people { all.insert(person.id) }
        let sender = Organization(id: Sample.organization, name: "sender")
        let range = { (stream: ChangeStream) in
            ChangeRange(
                after: 0, through: Self.generation.highest, generation: Self.generation.id,
                needsHierarchy: stream == .contents ? Self.generation.highest : nil,
                end: ChangeRange.End(stream == .contents ? all : SetSummary()))
        }
        let header = ExchangeHeader(
            kind: .reply, from: sender, to: Sample.otherOrganization, request: RequestID(number: 1, nonce: UUID()),
            have: PerStream(hierarchy: nil, contents: nil),
            line: IncarnationLine(
                incarnations: [Incarnation(id: UUID(), first: 1)], highest: Self.generation.highest),
            ranges: PerStream(hierarchy: range(.hierarchy), contents: range(.contents)), organizations: [sender])
        let lines = people.enumerated().map { index, person in
            NumberedChange(number: index + 1 == damaged ? 1 : Int64(index + 1), change: .upsert(person)).line
        }
        let payload = try EncodedMessage.encode(header, lines: PerStream(hierarchy: [], contents: lines))
        return MessageSource(
            message: try ReceivedMessage(payload), stream: .contents, above: 0, generation: Self.generation,
            state: state, mayChange: { _ in true })
    }

    private func synchronizer(from source: MessageSource, to collector: MemoryCollector) -> Synchronizer {
        Synchronizer(
            from: source, to: collector, state: state, deletionGuard: DeletionGuard(percent: 100),
            now: { Sample.now })
    }

    @Test("is read ahead, but for its last lines: what comes after them depends on what the state has of them")
    func ahead() async throws {
        let reader = try await source().read(after: nil)
        var batches: [ChangeBatch] = []
        while let batch = try await reader.next() { batches.append(batch) }
        #expect(batches.map(\.observations.count) == [1_000, 1_000, 500, 0])
        #expect(batches.map(\.allowsReadingAhead) == [true, true, false, false])
    }

    @Test("that is a full transfer ends it, and what is missing from it is gone")
    func completes() async throws {
        let gone = Sample.person(9_999)
        var before = Step(now: Sample.now)
        before.exchanged = [Sample.record(gone)]
        try await state.commit(before)
        let collector = MemoryCollector()
        _ = try await synchronizer(from: source(), to: collector).synchronize()
        #expect(await collector.entries.count == Self.count)
        #expect(try await state.entryCount(of: Sample.organization) == Self.count)
        #expect(try await state.cursor()?.receivedPosition?.generation == nil)
        #expect(await collector.offered.last?.map(\.id) == [gone.id])
    }

    @Test("that is damaged in its last lines is taken up to them")
    func damaged() async throws {
        let collector = MemoryCollector()
        await #expect(throws: MessageError.self) {
            _ = try await synchronizer(from: source(damaged: 2_200), to: collector).synchronize()
        }
        #expect(try await state.entryCount(of: Sample.organization) == 2_000)
        #expect(try await state.cursor()?.receivedPosition?.position.number == 2_000)
    }
}
