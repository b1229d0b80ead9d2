import AddressBook
import Foundation
import IncrementalSync
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("Mail that waits")
struct MailboxTests {
    let store: ServiceStore
    let inbox: Inbox
    let outbox: Outbox
    let peerMail: PeerMail
    let peer = Sample.otherOrganization

    init() throws {
        store = try temporaryStore()
        inbox = Inbox(store: store)
        outbox = Outbox(store: store)
        peerMail = PeerMail(store: store)
    }

    private func post(_ request: Int64, _ payloads: UInt8..., to recipient: OrganizationID? = nil) async throws {
        let messages = payloads.map {
            OutgoingMessage(recipient: recipient ?? peer, request: request, payload: [$0])
        }
        try await store.commit { $0.posted = messages }
    }

    /// Takes the messages for a peer out of the outbox, in their order.
    private func drain(_ recipient: OrganizationID) async throws -> [UInt8] {
        var payloads: [UInt8] = []
        while let message = try await outbox.next(for: recipient) {
            payloads += message.payload
            try await peerMail.submitted(message, as: "<\(message.id)@a.example>", now: Sample.now)
        }
        return payloads
    }

    @Test("a mail that comes when too many wait is not taken, and none of them is forgotten")
    func full() async throws {
        for number in 0..<256 { try await inbox.append([UInt8(number)], from: "a@x", now: Sample.now) }
        await #expect(throws: InboxFull.self) { try await inbox.append([1], from: "a@x", now: Sample.now) }
        let ids = try await inbox.ids(parked: false)
        #expect(ids.count == 256)
        try await inbox.remove(ids[0])
        try await inbox.append([1], from: "a@x", now: Sample.now)
        #expect(try await inbox.ids(parked: false).count == 256)
    }

    @Test("the messages of one request wait together and go in their order")
    func order() async throws {
        try await post(1, 1, 2)
        try await post(1, 3)
        #expect(try await outbox.waiting()[peer]?.count == 3)
        #expect(try await drain(peer) == [1, 2, 3])
        #expect(try await outbox.waiting().isEmpty)
    }

    @Test("the messages of a newer request take the place of those of older ones to the same peer")
    func superseded() async throws {
        try await post(1, 1, 2)
        try await post(1, 9, to: Sample.organization)
        try await post(2, 3, 4)
        #expect(try await drain(peer) == [3, 4])
        #expect(try await drain(Sample.organization) == [9])
    }

    @Test("each message says whether another one waits behind it")
    func successors() async throws {
        try await post(1, 1, 2)
        try await post(1, 9, to: Sample.organization)
        let first = try #require(try await outbox.next(for: peer))
        #expect(first.hasSuccessor)
        try await peerMail.submitted(first, as: "<1@a.example>", now: Sample.now)
        #expect(try await outbox.next(for: peer)?.hasSuccessor == false)
    }

    @Test("mail is kept as it came, in the order of its coming, until it is removed")
    func received() async throws {
        try await inbox.append([0, 255, 10], from: "a@x.example", now: Sample.now)
        try await inbox.append([2], from: "b@x.example", now: Sample.now)
        let ids = try await inbox.ids(parked: false)
        let mails = [try await inbox.mail(ids[0]), try await inbox.mail(ids[1])]
        #expect(mails.map { $0?.mail } == [[0, 255, 10], [2]])
        #expect(mails.map { $0?.sender } == ["a@x.example", "b@x.example"])
        try await inbox.remove(ids[0])
        #expect(try await inbox.ids(parked: false) == [ids[1]])
        #expect(try await inbox.mail(ids[0]) == nil)
    }

    @Test("parked mail is kept apart with its reason, the newest 64 of it")
    func parked() async throws {
        for number in 0..<66 { try await inbox.append([UInt8(number)], from: "a@x.example", now: Sample.now) }
        let ids = try await inbox.ids(parked: false)
        for id in ids.dropLast() { try await inbox.park(id, reason: "the changes before it") }
        #expect(try await inbox.ids(parked: true) == Array(ids[1...64]))
        #expect(try await inbox.ids(parked: false) == [ids[65]])
        #expect(try await inbox.mail(ids[64])?.parked == "the changes before it")
        try await inbox.park(ids[64], reason: "still")
        #expect(try await inbox.ids(parked: true).count == 64)
    }

    @Test("refused mail is removed, and its reason kept, the newest hundred of them")
    func refused() async throws {
        for number in 0..<102 {
            try await inbox.append([1], from: "\(number)@x.example", now: Sample.now)
            let id = try #require(try await inbox.ids(parked: false).first)
            let mail = try #require(try await inbox.mail(id))
            try await inbox.refuse(mail, reason: "reason \(number)", now: Sample.now + Double(number))
        }
        let refused = try await inbox.refused()
        #expect(try await inbox.ids(parked: false).isEmpty)
        #expect(refused.count == 100)
        #expect(refused.first?.reason == "reason 101" && refused.first?.sender == "101@x.example")
        #expect(refused.first?.at == Sample.now + 101)
        #expect(refused.last?.reason == "reason 2")
    }
}
