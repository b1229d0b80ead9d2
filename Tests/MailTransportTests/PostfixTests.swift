import Foundation
import MailTransport
import TestSupport
import Testing

/// Submission to a real postfix, and what it delivers.
@Suite(
    "Through postfix", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: PostfixServer.unavailable == nil, "postfix cannot be started here: it takes root, and postfix itself"))
struct PostfixTests {
    private let payload = makePayload(bytes: 60_000)

    /// A postfix for the master's domain, and our listener behind it by LMTP.
    private func withDelivery(
        adjust: (inout PostfixConfiguration) -> Void = { _ in },
        _ body: (PostfixServer, Inbox) async throws -> Void
    ) async throws {
        let inbox = Inbox()
        try await withListener(.lmtp, recipients: [master, branch], deliver: { inbox.store($0) }) { port async throws in
            var configuration = try PostfixConfiguration(domain: "master.example")
            for address in [master, branch] {
                configuration.destinations[address.text] = .lmtp(port: UInt16(port))
            }
            adjust(&configuration)
            try await withPostfix(configuration) { try await body($0, inbox) }
        }
    }

    private func failure(_ body: () async throws -> Void) async throws -> SMTPSubmissionError? {
        do {
            try await body()
            return nil
        } catch let error as SMTPSubmissionError {
            return error
        }
    }

    private func connections(of server: PostfixServer) -> Int {
        // The first one is that of whoever waited for the server to come up.
        server.log.components(separatedBy: ": connect from").count - 2
    }

    @Test("a mail arrives by LMTP as it was, with its envelope sender")
    func lmtp() async throws {
        try await withDelivery { server, inbox in
            try await SMTPSubmission(url: server.url).submit(makeMail(payload: payload), from: branch, to: master)
            let mail = try await inbox.next()
            #expect(mail.sender == branch && mail.recipient == master)
            #expect(try MailTransportTests.payload(of: mail.bytes) == payload)
        }
    }

    @Test("a mail arrives in a Maildir")
    func maildir() async throws {
        try await withDelivery {
            $0.destinations[master.text] = .maildir("interorg")
        } _: { server, _ in
            try await SMTPSubmission(url: server.url).submit(makeMail(payload: payload), from: branch, to: master)
            try await waitUntil("it is there") { !server.mails(inMaildir: "interorg").isEmpty }
            #expect(try MailTransportTests.payload(of: server.mails(inMaildir: "interorg")[0]) == payload)
        }
    }

    @Test("twenty mails in a row take one connection; one that fails takes its own with it, and no other")
    func oneConnection() async throws {
        try await withDelivery {
            $0.refusedRecipients["nobody@master.example"] = "550 5.1.1 no such user"
        } _: {
            server, inbox in
            let session = SMTPSession(try SMTPSubmission(url: server.url))
            for number in 1...20 {
                try await session.submit(
                    makeMail(payload: payload), from: branch, to: master, isLast: number == 20)
            }
            #expect(connections(of: server) == 1, "\(server.log)")
            for _ in 1...20 { _ = try await inbox.next() }
            let nobody = makeAddress("nobody@master.example")
            let error = try await failure {
                try await session.submit(makeMail(payload: payload), from: branch, to: nobody, isLast: false)
            }
            #expect(error?.kind == .permanent && error?.description.contains("no such user") == true)
            try await session.submit(makeMail(payload: payload), from: branch, to: master, isLast: false)
            #expect(connections(of: server) == 3)
            let begin = ContinuousClock.now
            session.close()
            // A goodbye would have waited for two minutes if the server were busy; here only that it is over.
            try await waitUntil("the server notices that nobody is there any more") {
                server.log.components(separatedBy: "disconnect from").count - 2 == 3
            }
            #expect(ContinuousClock.now - begin < .seconds(30))
        }
    }

    @Test("a mail that is larger than the server takes says what to change")
    func tooLarge() async throws {
        try await withDelivery {
            $0.messageBytesMax = 1_000_000
        } _: { server, _ in
            let session = SMTPSession(try SMTPSubmission(url: server.url))
            try await session.submit(makeMail(payload: payload), from: branch, to: master, isLast: false)
            let large = try makeMail(payload: makeNoise(bytes: 1_000_000))
            let error = try await failure { try await session.submit(large, from: branch, to: master, isLast: true) }
            #expect(error?.kind == .permanent && error?.reply?.code == 552)
            let text = error?.description ?? ""
            #expect(text.contains("\(large.count) bytes") && text.contains("at most 1000000 bytes: set messageBytes"))
        }
    }

    @Test("STARTTLS and implicit TLS with a login, a trusted certificate and the right name; nothing without")
    func authentication() async throws {
        let submission = try PostfixConfiguration.Submission(user: "interorg", password: "Tr0ub4dor&3 ")
        try await withDelivery {
            $0.submission = submission
        } _: { server, inbox in
            let credentials = SMTPCredentials(user: "interorg@master.example", password: submission.password)
            func submit(
                _ url: String, credentials: SMTPCredentials? = credentials, requiresStartTLS: Bool = true,
                caFile: String? = server.caFile
            ) async throws -> SMTPSubmissionError? {
                try await failure {
                    try await SMTPSubmission(
                        url: url, credentials: credentials, requiresStartTLS: requiresStartTLS,
                        certificateAuthorityFile: caFile
                    ).submit(makeMail(payload: payload), from: branch, to: master)
                }
            }
            for url in ["smtp://localhost:\(submission.port)", "smtps://127.0.0.1:\(submission.tlsPort)"] {
                let none = try await submit(url)
                try #require(none == nil, "\(String(describing: none)) \(server.log)")
                #expect(try MailTransportTests.payload(of: try await inbox.next().bytes) == payload)

                let stranger = try await submit(url, caFile: nil)
                #expect(stranger?.kind == .permanent && stranger?.description.contains("certificate") == true)
                let wrong = try await submit(url, credentials: .init(user: "interorg@master.example", password: "x"))
                #expect(wrong?.kind == .permanent && wrong?.reply?.code == 535)
                #expect(wrong?.description.contains("check the user and the password") == true)
                let nobody = try await submit(url, credentials: nil)
                #expect(nobody?.kind == .permanent && nobody?.reply?.code == 554, "\(String(describing: nobody))")
            }
            // The certificate has the names localhost and 127.0.0.1, and not this one.
            let name = try await submit("smtp://[::ffff:127.0.0.1]:\(submission.port)")
            #expect(name?.kind == .permanent && name?.description.contains("certificate") == true)
            // It takes mail without TLS, and was asked for TLS.
            let plain = try await submit(server.url, credentials: nil)
            #expect(plain?.kind == .permanent && plain?.description.contains("STARTTLS") == true)
            let unprotected = try await submit(
                "smtp://localhost:\(submission.port)", requiresStartTLS: false, caFile: nil)
            #expect(unprotected != nil)
            #expect(!server.log.contains(submission.password))
        }
    }

    @Test("a server that puts mail off is a transient failure, and takes it later")
    func deferring() async throws {
        try await MailPolicy.with(.deferring(attempts: 2)) { policy in
            try await withDelivery {
                $0.policyPort = policy.port
            } _: { server, inbox in
                let submission = try SMTPSubmission(url: server.url)
                for _ in 1...2 {
                    let error = try await failure {
                        try await submission.submit(makeMail(payload: payload), from: branch, to: master)
                    }
                    #expect(error?.kind == .transient && error?.reply?.code == 450)
                    #expect(error?.description.contains("come back later") == true)
                }
                try await submission.submit(makeMail(payload: payload), from: branch, to: master)
                _ = try await inbox.next()
                #expect(policy.deferredCount == 2)
            }
        }
    }

    @Test("a mail that is taken and comes back is a bounce about that mail")
    func bounce() async throws {
        try await withDelivery {
            $0.destinations[master.text] = .bounce("5.1.1 the mailbox has moved away")
        } _: {
            server, inbox in
            try await SMTPSubmission(url: server.url).submit(makeMail(payload: payload), from: branch, to: master)
            let mail = try await inbox.next()
            let reading = try MailReading(mail, contentTypes: envelope.acceptedContentTypes)
            guard case .bounce(let bounce) = reading else { throw UnexpectedReading(reading: reading) }
            #expect(mail.sender == nil && mail.recipient == branch)
            #expect(bounce.action == .failed && bounce.status == "5.1.1")
            #expect(bounce.recipient == master.text)
            #expect(bounce.diagnostic?.contains("the mailbox has moved away") == true)
            #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
        }
    }

    @Test("a mail that waits leads to a notice that it is late, and arrives in the end")
    func late() async throws {
        let later = Inbox()
        let port = try LoopbackSocket.freePort()
        try await withDelivery {
            $0.destinations[master.text] = .lmtp(port: port)
            $0.delayNoticeSeconds = 1
        } _: { server, inbox in
            try await SMTPSubmission(url: server.url).submit(makeMail(payload: payload), from: branch, to: master)
            let mail = try await inbox.next()
            let reading = try MailReading(mail, contentTypes: envelope.acceptedContentTypes)
            guard case .bounce(let bounce) = reading else { throw UnexpectedReading(reading: reading) }
            #expect(bounce.action == .delayed)
            #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
            try await withListener(
                .lmtp, adjust: { $0.port = Int(port) }, deliver: { later.store($0) }
            ) { _ async throws in
                #expect(try MailTransportTests.payload(of: try await later.next().bytes) == payload)
            }
        }
    }

    @Test("what gateways do to a mail does not matter", arguments: PostfixConfiguration.Gateway.allCases)
    func gateway(_ gateway: PostfixConfiguration.Gateway) async throws {
        try await withDelivery {
            $0.gateway = gateway
        } _: { server, inbox in
            let sent = try makeMail(payload: payload)
            try await SMTPSubmission(url: server.url).submit(sent, from: branch, to: master)
            let mail = try await inbox.next()
            let text = String(decoding: mail.bytes, as: UTF8.self)
            #expect(text.contains("X-Gateway") && !text.hasSuffix(split(sent).body))
            #expect(try MailTransportTests.payload(of: mail.bytes) == payload)
        }
    }
}
