import AddressBook
import Foundation
import GRDB
import IncrementalSync
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("The mail to a peer")
struct PeerMailTests {
    let queue: DatabaseQueue
    let store: ServiceStore
    let outbox: Outbox
    let peerMail: PeerMail
    let peer = Sample.otherOrganization
    let now = Sample.now

    init() throws {
        queue = try DatabaseQueue()
        store = try ServiceStore(database: queue)
        outbox = Outbox(store: store)
        peerMail = PeerMail(store: store)
    }

    private func send(_ number: Int64, to peer: OrganizationID? = nil) async throws {
        let peer = peer ?? self.peer
        try await store.commit {
            $0.posted = [
                OutgoingMessage(recipient: peer, request: number, payload: [UInt8(truncatingIfNeeded: number)])
            ]
        }
        let message = try #require(try await outbox.next(for: peer))
        try await peerMail.submitted(message, as: "<\(number)@a.example>", now: now)
    }

    private func notice(isFailure: Bool = true) -> DeliveryNotice {
        DeliveryNotice(isFailure: isFailure, recipient: "x@b.example", status: "5.1.1", diagnostic: "no", reason: "no")
    }

    @Test("that waits while it is away for weeks is what its newest request left, and the file does not grow")
    func awayForWeeks() async throws {
        var pages: [Int] = []
        // Every quarter of an hour for three weeks.
        for request in 1...Int64(2_016) {
            try await store.commit { step in
                step.posted = (1...5).map { part in
                    OutgoingMessage(
                        recipient: peer, request: request, payload: [UInt8](repeating: UInt8(part), count: 20_000))
                }
            }
            try await peerMail.failed(peer, error: "451", isPermanent: false, nextAttempt: now, now: now)
            if [16, 2_016].contains(request) {
                pages.append(try await queue.read { try Int.fetchOne($0, sql: "PRAGMA page_count") } ?? 0)
            }
        }
        let waiting = try #require(try await outbox.waiting()[peer])
        #expect(waiting.count == 5 && waiting.bytes == 5 * 20_000)
        #expect(try await outbox.next(for: peer)?.request == 2_016)
        #expect(pages.count == 2 && pages[1] <= pages[0] + 2, "pages after 16 and after 2,016 requests: \(pages)")
    }

    @Test("has one failure with its beginning and its attempts, until a mail is taken")
    func failures() async throws {
        #expect(try await peerMail.state(of: peer).failure == nil)
        for attempt in 0..<3 {
            try await peerMail.failed(
                peer, error: "45\(attempt)", isPermanent: attempt == 2, nextAttempt: now + 100 + Double(attempt),
                now: now + Double(attempt))
        }
        let state = try await peerMail.state(of: peer)
        let failure = try #require(state.failure)
        #expect(failure.since == now && failure.attempts == 3 && failure.error == "452" && failure.isPermanent)
        #expect(state.nextAttempt == now + 102)
        try await peerMail.forgetPauses()
        #expect(try await peerMail.state(of: peer).nextAttempt == nil)
        #expect(try await peerMail.state(of: peer).failure != nil)
        try await send(1)
        #expect(try await peerMail.state(of: peer).failure == nil)
        #expect(try await peerMail.state(of: peer).lastSubmitted == now)
    }

    @Test("is tried at once when the peer is heard, unless it was refused for good", arguments: [false, true])
    func heard(isPermanent: Bool) async throws {
        try await peerMail.failed(
            peer, error: "away", isPermanent: isPermanent, nextAttempt: now + 900, now: now)
        try await peerMail.heard(peer, messageID: nil, inReplyTo: nil, answering: nil)
        let state = try await peerMail.state(of: peer)
        #expect(state.nextAttempt == (isPermanent ? now + 900 : nil))
        #expect(state.failure?.attempts == 1, "it is still known that mail was not taken")
    }

    @Test("that is too large holds up no smaller one: the smallest that was refused counts")
    func tooLarge() async throws {
        for bytes in [900, 1_000, nil] {
            try await peerMail.failed(
                peer, error: "552", isPermanent: true, tooLargeBytes: bytes, nextAttempt: now, now: now)
            #expect(try await peerMail.state(of: peer).tooLargeBytes == (bytes == nil ? nil : 900))
        }
        try await peerMail.failed(peer, error: "552", isPermanent: true, tooLargeBytes: 5, nextAttempt: now, now: now)
        try await send(1)
        #expect(try await peerMail.state(of: peer).tooLargeBytes == nil)
    }

    @Test("that came back is shown until a later one is known to have arrived")
    func bounced() async throws {
        for number in Int64(1)...3 { try await send(number) }
        try await send(7, to: Sample.organization)
        let found = try await peerMail.noticed(notice(), messageID: "<2@a.example>", addressee: nil, now: now)
        #expect(found == peer)
        _ = try await peerMail.noticed(notice(), messageID: "<2@a.example>", addressee: nil, now: now + 5)
        let shown = try #require(try await peerMail.state(of: peer).notice)
        #expect(shown.count == 2 && shown.since == now && shown.last == now + 5 && shown.notice == notice())
        #expect(try await peerMail.state(of: Sample.organization).notice == nil)

        // Neither an earlier mail nor the one that came back shows anything, nor another peer's.
        try await peerMail.heard(peer, messageID: "<a@b>", inReplyTo: "<1@a.example>", answering: 1)
        try await peerMail.heard(peer, messageID: "<a@b>", inReplyTo: "<2@a.example>", answering: nil)
        try await peerMail.heard(peer, messageID: "<a@b>", inReplyTo: "<7@a.example>", answering: nil)
        #expect(try await peerMail.state(of: peer).notice != nil)
        try await peerMail.heard(peer, messageID: "<c@d>", inReplyTo: "<3@a.example>", answering: nil)
        #expect(try await peerMail.state(of: peer).notice == nil)
        #expect(try await peerMail.state(of: peer).heardMessageID == "<c@d>")
    }

    @Test("that is late is forgotten when it arrives itself, by the number of the request as well")
    func late() async throws {
        for number in Int64(1)...2 { try await send(number) }
        _ = try await peerMail.noticed(
            notice(isFailure: false), messageID: "<2@a.example>", addressee: nil, now: now)
        try await peerMail.heard(peer, messageID: nil, inReplyTo: nil, answering: 1)
        #expect(try await peerMail.state(of: peer).notice != nil)
        try await peerMail.heard(peer, messageID: nil, inReplyTo: nil, answering: 2)
        #expect(try await peerMail.state(of: peer).notice == nil)
    }

    @Test("is recognized by its recipient where its identity was lost, and nothing else is taken for it")
    func recognition() async throws {
        #expect(try await peerMail.noticed(notice(), messageID: nil, addressee: peer, now: now) == nil)
        try await send(1)
        #expect(try await peerMail.noticed(notice(), messageID: "<9@x>", addressee: nil, now: now) == nil)
        #expect(
            try await peerMail.noticed(notice(), messageID: nil, addressee: Sample.organization, now: now) == nil)
        #expect(try await peerMail.state(of: peer).notice == nil)
        #expect(try await peerMail.noticed(notice(), messageID: "<9@x>", addressee: peer, now: now) == peer)
    }

    @Test("is remembered up to a limit")
    func bounded() async throws {
        for number in Int64(1)...510 { try await send(number) }
        #expect(try await queue.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM sent_mail") } == 500)
        #expect(
            try await peerMail.noticed(notice(), messageID: "<10@a.example>", addressee: nil, now: now) == nil)
        #expect(
            try await peerMail.noticed(notice(), messageID: "<11@a.example>", addressee: nil, now: now) == peer)
    }
}
