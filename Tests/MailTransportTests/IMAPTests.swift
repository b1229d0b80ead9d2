import Foundation
import TestSupport
import Testing

@testable import MailTransport

@Suite("An IMAP folder at a real server", .timeLimit(.minutes(10)))
struct IMAPTests {
    private func mailbox(
        _ server: DovecotServer, _ protection: IMAPServer.Protection = .implicitTLS,
        processed: IMAPMailbox.Processed = .delete, password: String = DovecotServer.password, caFile: String? = nil,
        refused: Retention = Maildir.refusedRetention
    ) -> IMAPMailbox {
        let port = protection == .implicitTLS ? server.tlsPort : server.port
        let imap = IMAPServer(
            host: protection == .none ? "127.0.0.1" : "localhost", port: Int(port), protection: protection,
            credentials: SMTPCredentials(user: DovecotServer.user, password: password),
            certificateAuthorityFile: caFile ?? server.caFile)
        return IMAPMailbox(
            imap, folder: "INBOX", processed: processed, refusedFolder: "Refused mail", every: .milliseconds(100),
            refused: refused)
    }

    private func mail(_ text: String) -> [UInt8] {
        Array("From: a@a.example\r\nSubject: x\r\n\r\n\(text)\r\n".utf8)
    }

    @Test("is read with each protection, once, and what has been dealt with is deleted")
    func processed() async throws {
        try await withDovecot { server in
            for (number, protection) in [IMAPServer.Protection.implicitTLS, .startTLS, .none].enumerated() {
                let intake = RecordingIntake()
                let mailbox = mailbox(server, protection)
                try server.deliver("1.a", mail("first {3}\r\nof \(number)"))
                try server.deliver("2.a", mail("second"))
                try await mailbox.look(intake)
                try await mailbox.look(intake)
                #expect(
                    Set(intake.texts.map { Array($0.utf8) })
                        == [mail("first {3}\r\nof \(number)"), mail("second")])
                #expect(intake.texts.count == 2)
                #expect(server.mails().count == 2)
                intake.settleAll()
                try await mailbox.putAway(intake)
                #expect(server.mails().isEmpty)
                #expect(intake.states.isEmpty)
            }
        }
    }

    @Test("is looked at again and again; what has been dealt with is moved, and so is what was refused or is too large")
    func moved() async throws {
        try await withDovecot { server in
            let intake = RecordingIntake(mailBytesMax: 2_000)
            let mailbox = mailbox(server, processed: .move(folder: "Done"), refused: Retention(count: 2, bytes: 10_000))
            let task = Task { try await MailboxSource(mailbox).run(intake) }
            defer { task.cancel() }
            try server.deliver("1.a", mail("good"))
            try await waitUntil("it is there") { intake.texts.count == 1 }
            intake.settleAll()
            try await waitUntil("it is put away") { server.mails(in: "Done") == [mail("good")] }
            try server.deliver("2.large", mail(String(repeating: "x", count: 3_000)))
            try await waitUntil("the large one is put away") { server.mails(in: "Refused mail").count == 1 }
            #expect(intake.texts.count == 1)
            for number in 1...3 {
                try server.deliver("3.\(number)", mail("bad \(number)"))
                try await waitUntil("it is there") { intake.texts.count == 1 + number }
                intake.settleAll(as: .refused)
                try await waitUntil("it is put away") { intake.states.isEmpty }
            }
            try await waitUntil("the newest two are kept") {
                server.mails(in: "Refused mail") == [mail("bad 2"), mail("bad 3")]
            }
            #expect(server.mails().isEmpty)
            task.cancel()
            try await task.value
        }
    }

    @Test("hands in new mail even if the server does not let the old be put away")
    func stuck() async throws {
        try await withDovecot { server in
            let intake = RecordingIntake()
            // Names that no folder can have.
            let mailbox = mailbox(server, processed: .move(folder: "a//b"))
            try server.deliver("1.a", mail("first"))
            try await mailbox.look(intake)
            intake.settleAll()
            try server.deliver("2.a", mail("second"))
            await #expect(throws: IMAPRefusal.self) { try await mailbox.look(intake) }
            #expect(intake.texts.count == 2)
            #expect(server.mails().count == 2)
        }
    }

    @Test("keeps a mail for which there is no room")
    func full() async throws {
        try await withDovecot { server in
            let intake = RecordingIntake()
            intake.isFull = true
            try server.deliver("1.a", mail("first"))
            try await mailbox(server).look(intake)
            #expect(intake.texts.isEmpty && server.mails().count == 1)
            intake.isFull = false
            try await mailbox(server).look(intake)
            #expect(intake.texts.count == 1)
        }
    }

    @Test("whose messages were given new numbers deletes none of them under an old one")
    func renumbered() async throws {
        try await withDovecot { server in
            let intake = RecordingIntake()
            try server.deliver("1.a", mail("first"))
            try await mailbox(server).look(intake)
            intake.settleAll()
            // Numbers are given from one on again, to another mail first.
            try server.renumber()
            try server.deliver("0.b", mail("second"))
            try await mailbox(server).look(intake)
            #expect(server.mails().count == 2)
            #expect(Set(intake.texts.suffix(2).map { Array($0.utf8) }) == [mail("first"), mail("second")])
            intake.settleAll()
            try await mailbox(server).putAway(intake)
            #expect(server.mails().isEmpty)
        }
    }

    @Test("says what is wrong, in the server's words where it said something, and never the password")
    func failures() async throws {
        try await withDovecot { server in
            let wrong = await failure(mailbox(server, password: "hunter2"))
            #expect(wrong.contains("AUTHENTICATIONFAILED"), "\(wrong)")
            #expect(wrong.contains("check the user and the password") && !wrong.contains("hunter2"), "\(wrong)")
            #expect(wrong.contains("imaps://localhost:\(server.tlsPort)"), "\(wrong)")

            try await TestCertificates.makeCA("other", in: server.folder)
            let stranger = await failure(mailbox(server, caFile: server.folder + "/other.crt"))
            #expect(stranger.contains("check the server's certificate"), "\(stranger)")

            let folder = IMAPMailbox(
                IMAPServer(
                    host: "127.0.0.1", port: Int(server.port), protection: .none,
                    credentials: SMTPCredentials(user: DovecotServer.user, password: DovecotServer.password)),
                folder: "Nothing \"here\"", processed: .delete, refusedFolder: "Refused", every: .seconds(1))
            let missing = await failure(folder)
            #expect(missing.contains("opening the folder Nothing \"here\""), "\(missing)")
            #expect(missing.contains("the server said: NO"), "\(missing)")

            await server.end()
            let away = await failure(mailbox(server, caFile: "/etc/ssl/certs/ca-certificates.crt"))
            #expect(away.contains("check the name and the port"), "\(away)")
        }
    }

    private func failure(_ mailbox: IMAPMailbox) async -> String {
        do {
            try await mailbox.look(RecordingIntake())
            return "it worked"
        } catch {
            return "\(error)"
        }
    }

    @Test("is given up at once when nobody wants it any more", .timeLimit(.minutes(10)))
    func cancelled() async throws {
        // Accepts connections and says nothing.
        try await withListener(adjust: { $0.connectionsMax = 1 }, deliver: { _ in }) { port async throws in
            let mailbox = IMAPMailbox(
                IMAPServer(
                    host: "127.0.0.1", port: port, protection: .implicitTLS,
                    credentials: SMTPCredentials(user: "a", password: "b")),
                folder: "INBOX", processed: .delete, refusedFolder: "Refused", every: .seconds(1))
            let task = Task { try await mailbox.look(RecordingIntake()) }
            try await Task.sleep(for: .milliseconds(50))
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
        }
    }

    @Test("answers with literals are read however they are cut into pieces, and endless ones are not")
    func reader() throws {
        let text = "* 1 FETCH (UID 7 BODY[] {5}\r\na\r\n{9 FLAGS ())\r\n* SEARCH\r\nS1 OK {done\r\n"
        for pieceBytes in 1...text.utf8.count {
            var reader = IMAPResponseReader(literalBytesMax: 5)
            var responses: [IMAPResponse] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                reader.receive(rest.prefix(pieceBytes))
                rest = rest.dropFirst(pieceBytes)
                while let response = try reader.next() { responses.append(response) }
            }
            #expect(responses.count == 3)
            #expect(responses[0].literal == Array("a\r\n{9".utf8))
            #expect(responses[0].number(after: "UID") == 7 && responses[0].text.hasSuffix(" FLAGS ())"))
            #expect(responses[2].text(after: "S1") == "OK {done")
        }
        var large = IMAPResponseReader(literalBytesMax: 5)
        large.receive(Array("* 1 FETCH (BODY[] {6}\r\n".utf8)[...])
        #expect(throws: MailboxError.self) { try large.next() }
        var huge = IMAPResponseReader(literalBytesMax: 5)
        huge.receive(Array("* {99999999999999999999999}\r\n".utf8)[...])
        #expect(throws: MailboxError.self) { try huge.next() }
        var endless = IMAPResponseReader(literalBytesMax: 5)
        endless.receive([UInt8](repeating: 0x61, count: 70_000)[...])
        #expect(throws: MailboxError.self) { try endless.next() }
    }
}
