import AddressBook
import Foundation
import GRDB
import SQLiteStore
import SynchronizationTestSupport
import Testing

@Suite("What anybody can send has an end")
struct InboxLimitsTests {
    let store: ServiceStore

    init() throws {
        store = try temporaryStore()
    }

    private func inbox(knownSenders: Int = 2, mailBytesMax: Int = 1_000) -> Inbox {
        Inbox(store: store, limits: InboxLimits(knownSenders: knownSenders, mailBytesMax: mailBytesMax))
    }

    /// Appends until the inbox is full; how many there was room for.
    private func flood(_ inbox: Inbox, _ share: InboxShare, bytes: Int = 1) async throws -> Int {
        for count in 0..<10_000 {
            do {
                try await inbox.append([UInt8](repeating: 1, count: bytes), from: "x@x", share: share, now: Sample.now)
            } catch is InboxFull {
                return count
            }
        }
        Issue.record("the inbox has no end")
        return 10_000
    }

    @Test("strangers keep out nobody, and one known sender keeps out no other")
    func shares() async throws {
        let inbox = inbox()
        #expect(try await flood(inbox, .others) == 32)
        #expect(try await flood(inbox, .known("a@x")) == 112)
        #expect(try await flood(inbox, .known("b@x")) == 112)
        await #expect(throws: InboxFull.self) {
            try await inbox.append([1], from: "c@x", share: .known("c@x"), now: Sample.now)
        }
        let ids = try await inbox.ids(parked: false)
        try await inbox.remove(ids[0])
        try await inbox.append([1], from: "x@x", share: .others, now: Sample.now)
    }

    @Test("a share has an end in bytes, too, with room for two of the largest mails")
    func bytes() async throws {
        let large = 17_000_000
        #expect(try await flood(inbox(knownSenders: 1, mailBytesMax: 1_000), .others, bytes: large) == 1)
        #expect(try await flood(inbox(knownSenders: 1, mailBytesMax: large), .others, bytes: large) == 1)
        #expect(InboxLimits(knownSenders: 50, mailBytesMax: 16_000_000).ofKnownSender.bytes == 32_000_000)
        #expect(InboxLimits(knownSenders: 50, mailBytesMax: 16_000_000).ofKnownSender.count == 32)
    }

    @Test("a disk that is full is told from an inbox that is")
    func diskFull() async throws {
        let queue = try DatabaseQueue()
        let store = try ServiceStore(database: queue)
        try await queue.write { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages + 5)")
        }
        await #expect(throws: StoreFull.self) {
            try await Inbox(store: store).append(
                [UInt8](repeating: 1, count: 1_000_000), from: "a@x", now: Sample.now)
        }
        #expect(try await Inbox(store: store).ids(parked: false).isEmpty)
        try await Inbox(store: store).append([1], from: "a@x", now: Sample.now)
    }

    @Test("parked mail leaves half of a share to what it waits for, and is its own sender's only")
    func parked() async throws {
        let inbox = inbox()
        try await inbox.append([1], from: "b@x", share: .known("b@x"), now: Sample.now)
        let other = try #require(try await inbox.ids(parked: false).last)
        try await inbox.park(other, reason: "the changes before it")
        for _ in 0..<70 {
            try await inbox.append([1], from: "a@x", share: .known("a@x"), now: Sample.now)
            let id = try #require(try await inbox.ids(parked: false).last)
            try await inbox.park(id, reason: "the changes before it")
        }
        let parked = try await inbox.ids(parked: true)
        #expect(parked.count == 57)
        #expect(parked.first == other)
    }

    @Test("what is refused again and again is one row with its number; one sender fills a quarter of the list at most")
    func refused() async throws {
        let inbox = inbox()
        for number in 0..<40 {
            try await inbox.note(RefusedMail(at: Sample.now, sender: "a@x", reason: "reason \(number)"))
        }
        try await inbox.note(RefusedMail(at: Sample.now, sender: "b@x", kind: .bounce, reason: "bounced"))
        for second in 1...3 {
            try await inbox.note(RefusedMail(at: Sample.now + Double(second), sender: "a@x", reason: "reason 39"))
        }
        let refused = try await inbox.refused()
        #expect(refused.count == 26)
        #expect(refused.first?.reason == "reason 39" && refused.first?.count == 4)
        #expect(refused.first?.at == Sample.now + 3)
        #expect(refused[1].kind == .bounce && refused[1].count == 1)
    }

    @Test("a mailbox's mail is known from the moment it is in the inbox until it is gone from the mailbox")
    func taken() async throws {
        let inbox = inbox()
        let taken = TakenMail(store: store, source: "box")
        let other = TakenMail(store: store, source: "other")
        for key in ["1", "2", "3"] {
            try await inbox.append(
                [1], from: "a@x", origin: MailOrigin(source: "box", key: key), now: Sample.now)
        }
        #expect(try await taken.known(among: ["1", "2", "3", "4"]) == ["1", "2", "3"])
        #expect(try await other.known(among: ["1"]).isEmpty)
        #expect(try await taken.settled().isEmpty)

        let ids = try await inbox.ids(parked: false)
        try await inbox.remove(ids[0])
        try await inbox.refuse(try #require(try await inbox.mail(ids[1])), reason: "no", now: Sample.now)
        let settled = try await taken.settled()
        #expect(settled.map(\.key) == ["1", "2"] && settled.map(\.isRefused) == [false, true])
        #expect(try await other.settled().isEmpty)

        try await taken.putAway("1", isVisible: true)
        try await taken.putAway("2", isVisible: false)
        #expect(try await taken.settled().isEmpty)
        #expect(try await taken.kept() == ["1"])
        #expect(try await taken.known(among: ["1", "2", "3"]) == ["1", "3"])
        try await taken.refuse("9")
        #expect(try await taken.settled().map(\.isRefused) == [true])
    }

    @Test("a parked mail that is forgotten is put away as well")
    func forgotten() async throws {
        let inbox = Inbox(store: store, limits: InboxLimits(knownSenders: 1, mailBytesMax: 1_000))
        let taken = TakenMail(store: store, source: "box")
        for number in 0..<17 {
            try await inbox.append(
                [1], from: "x@x", share: .others, origin: MailOrigin(source: "box", key: "\(number)"), now: Sample.now)
            let id = try #require(try await inbox.ids(parked: false).last)
            try await inbox.park(id, reason: "the changes before it")
        }
        #expect(try await inbox.ids(parked: true).count == 16)
        #expect(try await taken.settled().map(\.key) == ["0"])
    }

    @Test("what keeps mail from coming is kept with its first time until it comes again")
    func failures() async throws {
        let taken = TakenMail(store: store, source: "box")
        try await taken.record(failure: "no such folder", now: Sample.now)
        try await taken.record(failure: "no permission", now: Sample.now + 5)
        let failures = try await TakenMail.failures(in: store)
        #expect(failures.map(\.text) == ["no permission"] && failures.map(\.since) == [Sample.now])
        try await TakenMail(store: store, source: "other").record(failure: "no answer", now: Sample.now + 6)
        #expect(try await TakenMail.failures(in: store).map(\.text) == ["no answer"])
        try await taken.record(failure: nil, now: Sample.now + 7)
        #expect(try await TakenMail.failures(in: store).isEmpty)
    }
}
