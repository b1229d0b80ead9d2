import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore
import Testing

/// A requestor, and replies that its master could have sent.
@Suite("A requestor's full transfers")
struct FullTransferTests {
    private static let master = Organization(id: OrganizationID(derivedFromName: "master"), name: "master")
    private static let branch = Organization(id: OrganizationID(derivedFromName: "branch"), name: "branch")
    private static let life = UUID()

    private let store: ServiceStore
    private let clock = Clock()
    private let requestor: Requestor

    init() async throws {
        store = try ServiceStore(database: DatabaseQueue())
        let surroundings = Surroundings(
            now: { [clock] in clock.now }, newID: { UUID() },
            pauses: Pauses(elapsed: { .zero }, wait: { _ in }, random: { 0 }), deletionGuard: DeletionGuard(),
            payloadBytesMax: 100_000)
        requestor = Requestor(
            organization: Self.branch, master: Self.master, store: store, directory: nil, surroundings: surroundings)
        try await requestor.start()
    }

    /// Asks, as the schedule has it, and gives what the request says.
    private func ask() async throws -> ExchangeHeader {
        clock.now += 1_000
        _ = try await requestor.request()
        return try await #require(posted())
    }

    private func posted() async throws -> ExchangeHeader? {
        try await Outbox(store: store).next(for: Self.master.id).map { try ReceivedMessage($0.payload).header }
    }

    /// Answers with one entry, all in one message.
    ///
    /// - Parameter end: what the message says that there is in all; nil: nothing.
    private func answer(_ request: ExchangeHeader, _ generation: UUID, end: SetSummary?) async throws {
        let id = EntryID(
            organization: Self.master.id, uuid: UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
        let entry = Entry(id: id, kind: .person, name: "Anna", fields: [:])
        let isOpen = request.have.contents?.generation != nil
        let range = { (stream: ChangeStream) in
            ChangeRange(
                after: isOpen ? 1 : 0, through: 1, generation: generation,
                needsHierarchy: stream == .contents ? 1 : nil,
                end: end.map { ChangeRange.End(stream == .contents ? $0 : SetSummary()) })
        }
        let header = ExchangeHeader(
            kind: .reply, from: Self.master, to: Self.branch.id, request: request.request,
            have: PerStream(hierarchy: nil, contents: nil),
            line: IncarnationLine(incarnations: [Incarnation(id: Self.life, first: 1)], highest: 1),
            ranges: PerStream(hierarchy: range(.hierarchy), contents: range(.contents)), organizations: [Self.master])
        let lines = isOpen ? [] : [NumberedChange(number: 1, change: .upsert(entry)).line]
        let payload = try EncodedMessage.encode(header, lines: PerStream(hierarchy: [], contents: lines))
        let disposition = try await requestor.receive(try ReceivedMessage(payload))
        guard case .done = disposition else { throw Unexpected(disposition: disposition) }
    }

    private struct Unexpected: Error { var disposition: Disposition }

    private static var all: SetSummary {
        var all = SetSummary()
        all.insert(EntryID(organization: master.id, uuid: UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))))
        return all
    }

    @Test("is over when it has brought what its end names")
    func closes() async throws {
        try await answer(try await ask(), UUID(), end: Self.all)
        let have = try await ask().have.contents
        #expect(have?.position.number == 1 && have?.generation == nil)
    }

    @Test("stays open for as long as no message has its end, and is closed by a later one")
    func staysOpen() async throws {
        let generation = UUID()
        try await answer(try await ask(), generation, end: nil)
        let next = try await ask()
        #expect(next.have.contents?.generation?.id == generation)
        try await answer(next, generation, end: Self.all)
        #expect(try await ask().have.contents?.generation == nil)
    }

    @Test("that contradicts its end is asked for anew, and not again on the same day")
    func contradiction() async throws {
        try await answer(try await ask(), UUID(), end: SetSummary())
        let again = try await ask()
        #expect(again.have.contents == nil, "everything is asked for")
        let generation = UUID()
        try await answer(again, generation, end: SetSummary())
        let open = try await ask()
        #expect(open.have.contents?.generation?.id == generation, "it goes on, and nothing comes twice")
        clock.now += 86_400
        try await answer(open, generation, end: SetSummary())
        #expect(try await ask().have.contents == nil)
    }
}
