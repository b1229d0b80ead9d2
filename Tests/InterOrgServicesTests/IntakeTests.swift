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

@Suite("Mail that anybody may have sent")
struct IntakeTests {
    private let store: ServiceStore
    private let log = RecordingLog()
    private let master = "interorg@master.example"
    private let branch = "interorg@branch.example"
    private let envelope: InsecureEnvelope

    init() throws {
        store = try ServiceStore(database: DatabaseQueue())
        let peer = EnvelopePeer(id: OrganizationID(derivedFromName: "master").uuid, address: try MailAddress(master))
        envelope = InsecureEnvelope(payloadBytesMax: 100_000, peers: [peer])
    }

    private func intake(mailBytesMax: Int = 100_000) throws -> StoreIntake {
        StoreIntake(
            store: store, source: "test", knownSenders: [try MailAddress(master)], mailBytesMax: mailBytesMax,
            settled: WakeUp(), logger: log.logger, arrived: {})
    }

    private func exchanger() throws -> Exchanger {
        let organizations = ["branch", "master"].map { Organization(id: OrganizationID(derivedFromName: $0), name: $0) }
        let surroundings = Surroundings(
            now: { Date() }, newID: { UUID() }, pauses: ManualPauses().pauses, deletionGuard: DeletionGuard(),
            payloadBytesMax: 100_000)
        return Exchanger(
            role: .requestor(
                Requestor(
                    organization: organizations[0], master: organizations[1], store: store, directory: nil,
                    surroundings: surroundings)),
            directory: nil, store: store, envelope: envelope, logger: log.logger, now: { Date() }, posted: {})
    }

    private func mail(from sender: String, _ payload: String, subject: String = "x") throws -> [UInt8] {
        try MailMessage(
            from: MailAddress(sender), to: MailAddress(branch), subject: subject, date: Date(),
            messageID: MessageID("<1@master.example>"), autoSubmitted: .generated,
            body: envelope.seal(Array(payload.utf8), to: OrganizationID(derivedFromName: "branch").uuid)
        ).encoded()
    }

    @Test("is refused whatever is in it, and leaves nothing but a bounded list of reasons")
    func mutated() async throws {
        let exchanger = try exchanger()
        try await exchanger.start(audits: false)
        let intake = try intake()
        let good = try mail(from: master, "{\"interorg\":1}\n{\"count\":0,\"digest\":\"\"}\n")
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(max(1, bound)))
        }
        for round in 0..<60 {
            for _ in 0..<10 {
                var bytes = good
                for _ in 0...next(4) {
                    switch next(4) {
                    case 0: bytes[next(bytes.count)] = UInt8(next(256))
                    case 1: bytes.removeSubrange(next(bytes.count / 2)..<bytes.count - next(bytes.count / 3))
                    case 2: bytes.insert(contentsOf: bytes[next(bytes.count)...], at: next(bytes.count))
                    default: bytes.insert(contentsOf: Array("\r\n\r\n--x\r\n".utf8), at: next(bytes.count))
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                try await intake.take(IncomingMail(sender: nil, bytes: Array(bytes.prefix(100_000))))
            }
            let report = await exchanger.mailHasCome()
            #expect(report.failures.isEmpty, "seed \(seed), round \(round)")
            #expect(try await Inbox(store: store).ids(parked: false).isEmpty, "seed \(seed), round \(round)")
        }
        let refused = try await Inbox(store: store).refused()
        #expect((1...100).contains(refused.count))
        #expect(log.all.filter { $0.contains("mail refused") }.count <= 20)
    }

    @Test("is told apart: bounces and answering machines are shown as such, and none of them is answered")
    func kinds() async throws {
        let exchanger = try exchanger()
        try await exchanger.start(audits: false)
        let intake = try intake()
        let texts = [
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\nSubject: Undelivered\r\n\r\nsorry\r\n",
            "Return-Path: <p@x.example>\r\nFrom: p@x.example\r\nAuto-Submitted: auto-replied\r\n\r\naway\r\n",
            "Return-Path: <q@x.example>\r\nFrom: q@x.example\r\n\r\nlunch?\r\n",
        ]
        for text in texts { try await intake.take(IncomingMail(sender: nil, bytes: Array(text.utf8))) }
        _ = await exchanger.mailHasCome()
        let kinds = try await Inbox(store: store).refused().map(\.kind)
        #expect(Set(kinds) == Set(RefusedMail.Kind.allCases) && kinds.count == 3)
        #expect(try await Outbox(store: store).waiting().isEmpty)
    }

    @Test("has no room left when there is too much of it, and then what a known sender sends still has")
    func shares() async throws {
        let intake = try intake()
        let stranger = Array("From: x@stranger.example\r\n\r\nmail\r\n".utf8)
        for _ in 0..<32 { try await intake.take(IncomingMail(sender: "x@stranger.example", bytes: stranger)) }
        await #expect(throws: MailStorageFull.self) {
            try await intake.take(IncomingMail(sender: "y@other.example", bytes: stranger))
        }
        try await intake.take(IncomingMail(sender: "x@stranger.example", bytes: try mail(from: master, "x")))
        await #expect(throws: MailRefusal.self) {
            try await self.intake(mailBytesMax: 10).take(IncomingMail(sender: nil, bytes: stranger))
        }
    }
}
