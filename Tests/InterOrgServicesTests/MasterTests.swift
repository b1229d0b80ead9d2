import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore
import SynchronizationTestSupport
import Testing

/// A master without a directory, and what two members could have sent it.
@Suite("A master")
struct MasterTests {
    private static func organization(_ name: String) -> Organization {
        Organization(id: OrganizationID(derivedFromName: name), name: name)
    }

    private static let itself = organization("master")
    private static let branch = organization("branch")
    private static let other = organization("other")
    private static let life = UUID()

    private let store: ServiceStore
    private let clock = Clock()
    private let master: Master

    init() async throws {
        store = try ServiceStore(database: DatabaseQueue())
        let surroundings = Surroundings(
            now: { [clock] in clock.now }, newID: { UUID() }, pauses: ManualPauses().pauses,
            deletionGuard: DeletionGuard(), payloadBytesMax: 100_000)
        master = Master(
            organization: Self.itself, members: [Member(Self.branch), Member(Self.other)], store: store, directory: nil,
            surroundings: surroundings)
        try await master.start()
        _ = try await master.exportDirectory()
    }

    /// A request comes, and is answered.
    ///
    /// - Parameter have: how far the member has the master's log.
    /// - Returns: the changes of the answer.
    private func request(
        _ number: Int64, of member: Organization, _ changes: [NumberedChange] = [],
        have: PerStream<ReceivedPosition?> = PerStream(hierarchy: nil, contents: nil)
    ) async throws -> (header: ExchangeHeader, changes: [Change]) {
        let highest = changes.map(\.number).max() ?? 0
        let after = (changes.map(\.number).min() ?? 1) - 1
        var all = SetSummary()
        for change in changes { all.insert(change.change.id) }
        let contents = all
        // The first one begins with everything.
        let range = { (count: Int) in
            ChangeRange(
                after: after, through: highest, count: count, generation: after == 0 ? UUID() : nil,
                needsHierarchy: nil, end: after == 0 ? ChangeRange.End(count == 0 ? SetSummary() : contents) : nil)
        }
        let header = ExchangeHeader(
            kind: .request, from: member, to: Self.itself.id, request: RequestID(number: number, nonce: UUID()),
            isLast: true,
            have: have, line: IncarnationLine(incarnations: [Incarnation(id: Self.life, first: 1)], highest: highest),
            ranges: changes.isEmpty
                ? PerStream(hierarchy: nil, contents: nil)
                : PerStream(hierarchy: range(0), contents: range(changes.count)), organizations: [member])
        let lines = PerStream(hierarchy: [[UInt8]](), contents: changes.map(\.line))
        guard case .done = try await master.receive(ReceivedMessage(EncodedMessage.encode(header, lines: lines))) else {
            throw Unexpected()
        }
        #expect(try await master.answer())
        let answer = try #require(
            try await Outbox(store: store).next(for: member.id).map { try ReceivedMessage($0.payload) })
        return (
            answer.header, try answer.changes(.contents, 0..<answer.count(.contents)).map(\.change)
        )
    }

    private struct Unexpected: Error {}

    @Test("passes on fields that a later version has, and it does not know")
    func unknownFields() async throws {
        let entry = Entry(
            id: EntryID(organization: Self.branch.id, uuid: UUID()), kind: .person, name: "Anna",
            fields: [Field(rawValue: "pronouns"): ["she", "her"], .title: ["Boss"]])
        _ = try await request(1, of: Self.branch, [NumberedChange(number: 1, change: .upsert(entry))])
        #expect(try await request(1, of: Self.other).changes == [.upsert(entry)])
    }

    @Test("keeps a tombstone until everybody has it, but not for a member that has been silent for long")
    func tombstones() async throws {
        let entry = Entry(id: EntryID(organization: Self.branch.id, uuid: UUID()), kind: .person, name: "Anna")
        _ = try await request(1, of: Self.branch, [NumberedChange(number: 1, change: .upsert(entry))])
        let answer = try await request(1, of: Self.other)
        let position = ReceivedPosition(
            position: LogPosition(
                incarnation: try #require(answer.header.line.current), number: answer.header.line.highest),
            generation: nil, view: answer.header.ranges.contents?.view)
        _ = try await request(2, of: Self.other, have: PerStream(hierarchy: position, contents: position))
        _ = try await request(2, of: Self.branch, [NumberedChange(number: 2, change: .delete(entry.id))])

        let silence: TimeInterval = 60 * 86_400
        for (days, count) in [(0.0, 1), (59, 1), (61, 0)] {
            clock.now = Date(timeIntervalSinceReferenceDate: 800_000_000 + days * 86_400)
            try await master.purgeTombstones(silence: silence)
            let left = try await ChangeLog(store: store).changes(.contents, after: 0, through: .max, limit: 10)
            #expect(left.count == count, "after \(days) days")
        }
    }
}
