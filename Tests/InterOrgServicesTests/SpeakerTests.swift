import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import MailTransport
import SQLiteStore
import SynchronizationTestSupport
import Testing

@testable import InterOrgServices

/// Messages in good order, of which one thing is not the sender's to say.
@Suite("Who may say what")
struct SpeakerTests {
    private static func organization(_ name: String) -> Organization {
        Organization(id: OrganizationID(derivedFromName: name), name: name)
    }

    private static let master = organization("master")
    private static let branch = organization("branch")
    private static let other = organization("other")
    /// It is known to the mail, and no member.
    private static let guest = organization("guest")

    private let store: ServiceStore
    private let envelope: InsecureEnvelope
    private let log = RecordingLog()

    init() throws {
        store = try ServiceStore(database: DatabaseQueue())
        envelope = InsecureEnvelope(
            payloadBytesMax: 100_000,
            peers: try [Self.master, Self.branch, Self.other, Self.guest].map {
                EnvelopePeer(id: $0.id.uuid, address: try Self.address($0))
            })
    }

    private static func address(_ organization: Organization) throws -> MailAddress {
        try MailAddress("interorg@\(organization.name).example")
    }

    private var surroundings: Surroundings {
        Surroundings(
            now: { Date() }, newID: { UUID() }, pauses: ManualPauses().pauses, deletionGuard: DeletionGuard(),
            payloadBytesMax: 100_000)
    }

    private func exchanger(_ role: Exchanger.Role) async throws -> Exchanger {
        let exchanger = Exchanger(
            role: role, directory: nil, store: store, envelope: envelope, logger: log.logger, now: { Date() },
            posted: {})
        try await exchanger.start(audits: false)
        return exchanger
    }

    private func masterService() async throws -> Exchanger {
        try await exchanger(
            .master(
                Master(
                    organization: Self.master, members: [Member(Self.branch), Member(Self.other)], store: store,
                    directory: nil, surroundings: surroundings)))
    }

    private static func person(of organization: Organization, _ name: Value) -> Entry {
        Entry(id: EntryID(organization: organization.id, uuid: UUID()), kind: .person, name: name)
    }

    private static func message(
        _ kind: ExchangeHeader.Kind = .request, from sender: Organization, to recipient: Organization,
        request: RequestID = RequestID(number: 1, nonce: UUID()), _ changes: NumberedChange...
    ) throws -> [UInt8] {
        let range = { (count: Int) in
            ChangeRange(after: 0, through: 9, count: count, generation: UUID(), needsHierarchy: nil, end: nil)
        }
        let header = ExchangeHeader(
            kind: kind, from: sender, to: recipient.id, request: request,
            have: PerStream(hierarchy: nil, contents: nil),
            line: IncarnationLine(incarnations: [Incarnation(id: UUID(), first: 1)], highest: 9),
            ranges: PerStream(hierarchy: range(0), contents: range(changes.count)), organizations: [sender])
        return try EncodedMessage.encode(header, lines: PerStream(hierarchy: [], contents: changes.map(\.line)))
    }

    /// Delivers a message in a mail of a sender.
    private func deliver(_ payload: [UInt8], from sender: Organization, to service: Exchanger) async throws {
        let mail = try MailMessage(
            from: Self.address(sender), to: Self.address(Self.master), subject: "x", date: Date(),
            messageID: MessageID("<\(UUID())@x.example>"), autoSubmitted: .generated,
            body: envelope.seal(payload, to: UUID(), ciphers: nil))
        let intake = StoreIntake(
            store: store, source: "test", knownSenders: [try Self.address(sender)], mailBytesMax: 100_000,
            settled: WakeUp(), logger: log.logger, arrived: {})
        try await intake.take(IncomingMail(sender: nil, bytes: mail.encoded()))
        #expect(await service.mailHasCome().failures.isEmpty)
    }

    private func refusals() async throws -> [String] { try await Inbox(store: store).refused().map(\.reason) }

    private func names() async throws -> [Value] {
        try await ChangeLog(store: store).changes(.contents, after: 0, through: .max, limit: 10)
            .compactMap { $0.change.entry?.name }
    }

    @Test("a member changes its own entries")
    func own() async throws {
        let service = try await masterService()
        let change = NumberedChange(number: 3, change: .upsert(Self.person(of: Self.branch, "Anna")))
        try await deliver(
            try Self.message(from: Self.branch, to: Self.master, change), from: Self.branch, to: service)
        #expect(try await names() == ["Anna"])
        #expect(try await refusals().isEmpty)
    }

    @Test("a member does not speak in another one's name")
    func anotherName() async throws {
        let service = try await masterService()
        let change = NumberedChange(number: 3, change: .upsert(Self.person(of: Self.branch, "Anna")))
        try await deliver(try Self.message(from: Self.branch, to: Self.master, change), from: Self.other, to: service)
        #expect(try await names().isEmpty)
        #expect(try await refusals().map { $0.contains("another organization has sent it") } == [true])
    }

    @Test("a member does not change another one's entries")
    func anothersEntry() async throws {
        let service = try await masterService()
        let entry = Self.person(of: Self.other, "Otto")
        try await deliver(
            try Self.message(
                from: Self.other, to: Self.master, NumberedChange(number: 3, change: .upsert(entry))),
            from: Self.other, to: service)
        let forged = Entry(id: entry.id, kind: .person, name: "Nobody")
        for change in [Change.upsert(forged), .delete(entry.id)] {
            try await deliver(
                try Self.message(
                    from: Self.branch, to: Self.master, request: RequestID(number: 2, nonce: UUID()),
                    NumberedChange(number: 2, change: .upsert(Self.person(of: Self.branch, "Anna"))),
                    NumberedChange(number: 3, change: change)),
                from: Self.branch, to: service)
        }
        #expect(try await names() == ["Otto"])
        let refused = try await Inbox(store: store).refused()
        #expect(refused.allSatisfy { $0.reason.contains("may not change") })
        #expect(refused.map(\.count).reduce(0, +) == 2)
    }

    @Test("the master does not change a member's own entries")
    func membersEntry() async throws {
        let requestor = Requestor(
            organization: Self.branch, master: Self.master, store: store, directory: nil, surroundings: surroundings)
        let service = try await exchanger(.requestor(requestor))
        _ = try await requestor.request()
        let request = try #require(
            try await Outbox(store: store).next(for: Self.master.id).map { try ReceivedMessage($0.payload).header })
        let own = EntryID(organization: Self.branch.id, uuid: UUID())
        try await deliver(
            try Self.message(
                .reply, from: Self.master, to: Self.branch, request: request.request,
                NumberedChange(number: 3, change: .delete(own))),
            from: Self.master, to: service)
        #expect(try await refusals().map { $0.contains("may not change") } == [true])
    }

    @Test("a change stands at its place in the range", arguments: [[3, 3], [4, 3], [10]])
    func numbers(_ numbers: [Int64]) async throws {
        let service = try await masterService()
        let changes = numbers.map { NumberedChange(number: $0, change: .upsert(Self.person(of: Self.branch, "Anna"))) }
        let message =
            changes.count == 1
            ? try Self.message(from: Self.branch, to: Self.master, changes[0])
            : try Self.message(from: Self.branch, to: Self.master, changes[0], changes[1])
        try await deliver(message, from: Self.branch, to: service)
        #expect(try await names().isEmpty)
        #expect(try await refusals().map { $0.contains("not in its place") } == [true])
    }

    @Test("a message for another organization, or of one that is no member, is none of the master's")
    func strangers() async throws {
        let service = try await masterService()
        try await deliver(try Self.message(from: Self.branch, to: Self.other), from: Self.branch, to: service)
        try await deliver(try Self.message(from: Self.guest, to: Self.master), from: Self.guest, to: service)
        let refusals = try await refusals()
        #expect(refusals.count == 2)
        #expect(refusals.contains { $0.contains("it is for organization") })
        #expect(refusals.contains { $0.contains("none of exchange.requestors") })
    }
}
