import Foundation
import Synchronization
import Testing

@testable import MailTransport

/// libcurl on one side, the listener on the other, TCP between.
@Suite struct SubmissionTests {
    @Test func sixMegabytesGoThroughAndComeBackAsTheyWere() async throws {
        let sent = makePayload(bytes: 6_000_000)
        let inbox = Inbox()
        try await withListener(deliver: { inbox.store($0) }) { port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            try await submission.submit(makeMail(payload: sent), from: branch, to: master)
            let received = try await inbox.next()
            #expect(try payload(of: received.bytes) == sent)
        }
        #expect(inbox.mails.count == 1)
        #expect(inbox.mails.first?.sender == branch)
        #expect(inbox.mails.first?.recipient == master)
    }

    @Test func bytesThatDoNotCompressAndLinesWithDotsArriveAsTheyWere() async throws {
        let inbox = Inbox()
        let dots = ".\r\n..\r\n.a\r\n\r\n.\r\r\n.\n.\r\nend of it\r\n.\r\n"
        let mails = [
            Array(dots.utf8), Array("no line end at all".utf8), Array("\r\n".utf8), Array("\r\n.\r\n".utf8),
            makeNoise(bytes: 300_000).map { $0 == 0x0A ? 0x0B : $0 },
            try makeMail(payload: makeNoise(bytes: 6_000_000)),
        ]
        try await withListener(adjust: { $0.textLineBytesMax = 1_000_000 }, deliver: { inbox.store($0) }) {
            port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            for mail in mails {
                try await submission.submit(mail, from: branch, to: master)
                let received = try await inbox.next().bytes
                let expected = mail.suffix(2) == [0x0D, 0x0A] ? mail : mail + [0x0D, 0x0A]
                #expect(received == expected)
            }
        }
    }

    @Test func aWrongRecipientIsPermanentAndTheReplyIsShown() async throws {
        try await withListener(deliver: { _ in }) { port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            let error = try await failure(of: submission, to: makeAddress("nobody@master.example"))
            #expect(error?.kind == .permanent)
            #expect(error?.reply?.code == 550)
            #expect(error?.description.contains("nobody@master.example is not known here") == true)
            #expect(error?.description.contains("127.0.0.1:\(port)") == true)
        }
    }

    @Test func anOversizedMailIsRefusedBeforeItIsSent() async throws {
        let inbox = Inbox()
        try await withListener(messageBytesMax: 100_000, deliver: { inbox.store($0) }) { port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            let error = try await failure(of: submission, message: makeNoise(bytes: 100_001))
            #expect(error?.kind == .permanent)
            #expect(error?.reply?.code == 552)
            // Written with its last line end, this one has the limit exactly.
            let fitting = [UInt8](repeating: 0x61, count: 99_998) + [0x0D, 0x0A]
            try await submission.submit(
                Array(
                    fitting.enumerated().map {
                        $0.offset % 1000 == 998 ? 0x0D : $0.offset % 1000 == 999 ? 0x0A : $0.element
                    }),
                from: branch, to: master
            )
        }
        #expect(inbox.mails.map(\.bytes.count) == [100_000])
    }

    @Test func aDeliveryThatFailsIsTriedAgainLater() async throws {
        struct DiskFull: Error {}
        try await withListener(deliver: { _ in throw DiskFull() }) { port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            let error = try await failure(of: submission)
            #expect(error?.kind == .transient)
            #expect(error?.reply?.code == 451)
            #expect(error?.description.contains("DiskFull") == false)
        }
    }

    @Test func aDeliveryThatIsRefusedIsNotTriedAgain() async throws {
        try await withListener(deliver: { _ in throw MailRefusal(reason: "not a peer\r\n250 injected") }) {
            port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            let error = try await failure(of: submission)
            #expect(error?.kind == .permanent)
            #expect(error?.reply == .init(code: 554, text: "5.7.1 not a peer  250 injected"))
        }
    }

    @Test func aServerThatIsNotThereIsTransient() async throws {
        let port = try await withListener(deliver: { _ in }) { port in port }
        let error = try await failure(of: SMTPSubmission(url: "smtp://127.0.0.1:\(port)"))
        #expect(error?.kind == .transient)
        #expect(error?.reply == nil)
        #expect(error?.description.contains("127.0.0.1:\(port)") == true)
    }

    @Test func withoutStartTLSNothingIsSentOffLoopback() async throws {
        let inbox = Inbox()
        try await withListener(deliver: { inbox.store($0) }) { port async throws in
            // An address that leads to the loopback interface without looking like it.
            let url = "smtp://[::ffff:127.0.0.1]:\(port)"
            let error = try await failure(of: SMTPSubmission(url: url))
            #expect(error?.kind == .permanent)
            #expect(error?.description.contains("STARTTLS") == true)
            #expect(inbox.mails.isEmpty)
            try await SMTPSubmission(url: url, insecure: true).submit(makeMail(payload: []), from: branch, to: master)
            #expect(inbox.mails.count == 1)
        }
    }

    @Test func cancellingDropsTheConnection() async throws {
        let (begun, hasBegun) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        try await withListener(deliver: { _ in
            hasBegun.yield()
            for await _ in released { return }
        }) { port async throws in
            let submission = try SMTPSubmission(url: "smtp://127.0.0.1:\(port)")
            let task = Task { try await submission.submit(makeMail(payload: [1]), from: branch, to: master) }
            for await _ in begun { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            release.yield()
        }
    }

    @Test(arguments: [
        "smtp://user:secret@mail.example:587", "http://mail.example", "smtp://", "mail.example:25",
        "smtp://mail.example/x",
        "smtp://mail.example:0", "smtp://mail.example:99999", "smtp://a b", "smtp://mail.example?x=secret",
    ])
    func addressesThatCannotBeUsedAreRefused(url: String) {
        #expect {
            try SMTPSubmission(url: url)
        } throws: { error in
            (error as? SMTPSubmissionError)?.kind == .permanent
                && !(url.contains("user:") && "\(error)".contains("secret"))
        }
    }

    @Test func protectionFollowsFromTheAddress() throws {
        #expect(try SMTPServer(url: "smtp://mail.example", insecure: false).protection == .requiredStartTLS)
        #expect(try SMTPServer(url: "smtp://mail.example", insecure: false).url == "smtp://mail.example:587")
        #expect(try SMTPServer(url: "smtp://mail.example:25", insecure: true).protection == .opportunisticStartTLS)
        #expect(try SMTPServer(url: "smtps://mail.example", insecure: false).url == "smtps://mail.example:465")
        #expect(try SMTPServer(url: "SMTPS://mail.example", insecure: false).protection == .implicitTLS)
        #expect(try SMTPServer(url: "smtp://127.0.0.1.mail.example", insecure: false).protection == .requiredStartTLS)
        for host in ["127.0.0.1", "localhost", "[::1]", "127.1.2.3"] {
            #expect(try SMTPServer(url: "smtp://\(host):25", insecure: false).protection == .none)
        }
    }

    @Test func aPasswordIsNeverShown() throws {
        let credentials = SMTPCredentials(user: "interorg", password: "hunter2")
        let submission = try SMTPSubmission(url: "smtps://mail.example", credentials: credentials)
        var dumped = ""
        dump(submission, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), "\(submission)", dumped] {
            #expect(text.contains("interorg"))
            #expect(!text.contains("hunter2"))
        }
    }

    private func failure(
        of submission: SMTPSubmission,
        message: [UInt8] = Array("Subject: x\r\n\r\n".utf8),
        to recipient: MailAddress = master
    ) async throws -> SMTPSubmissionError? {
        do {
            try await submission.submit(message, from: branch, to: recipient)
            return nil
        } catch let error as SMTPSubmissionError {
            return error
        }
    }
}
