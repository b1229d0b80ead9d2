import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport
import Testing

@testable import MailTransport

@Suite("TLS of the listener")
struct ListenerTLSTests {
    /// A folder with `ca.crt`, `server.crt` and `server.key`.
    private func withCertificates(_ body: (String) async throws -> Void) async throws {
        let folder = "/tmp/interorg-tls-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await make(in: folder)
        try await body(folder)
    }

    private func make(in folder: String) async throws {
        try await TestCertificates.make(names: ["IP:127.0.0.1", "IP:::ffff:127.0.0.1"], in: folder)
    }

    private func tls(_ folder: String, isRequired: Bool = true) -> ListenerTLS {
        ListenerTLS(
            certificateFile: "\(folder)/server.crt", keyFile: "\(folder)/server.key", isRequired: isRequired)
    }

    /// A submission to an address that leads to the loopback interface without looking like it: STARTTLS is required.
    private func submission(_ port: Int, trusting folder: String) throws -> SMTPSubmission {
        try SMTPSubmission(
            url: "smtp://[::ffff:127.0.0.1]:\(port)", certificateAuthorityFile: "\(folder)/ca.crt")
    }

    @Test func aMailComesEncrypted() async throws {
        try await withCertificates { folder in
            let inbox = Inbox()
            let payload = makePayload(bytes: 3_000_000)
            try await withListener(adjust: { $0.tls = tls(folder) }, deliver: { inbox.store($0) }) {
                port async throws in
                try await submission(port, trusting: folder).submit(
                    makeMail(payload: payload), from: branch, to: master)
            }
            #expect(try inbox.mails.map { try MailTransportTests.payload(of: $0.bytes) } == [payload])
        }
    }

    @Test func withoutItNothingIsTakenWhereItIsRequired() async throws {
        try await withCertificates { folder in
            try await withListener(adjust: { $0.tls = tls(folder) }, deliver: { _ in }) { port async throws in
                try await withClient(port: port) { client async throws in
                    _ = try await client.reply()
                    #expect(try await client.ask("EHLO x").components(separatedBy: "\n").last == "250 STARTTLS")
                    #expect(try await client.ask("MAIL FROM:<\(branch)>").hasPrefix("530"))
                    #expect(try await client.ask("STARTTLS now").hasPrefix("501"))
                }
            }
            let inbox = Inbox()
            try await withListener(
                adjust: { $0.tls = tls(folder, isRequired: false) }, deliver: { inbox.store($0) }
            ) { port async throws in
                try await withClient(port: port) { client async throws in
                    try await client.announce()
                    #expect(try await client.ask("mail\r\n.").hasPrefix("250"))
                }
            }
            #expect(inbox.mails.count == 1)
        }
    }

    @Test(arguments: [true, false])
    func whatWasSentInTheClearAfterStartTLSCountsForNothing(isAtOnce: Bool) async throws {
        try await withCertificates { folder in
            let inbox = Inbox()
            try await withListener(
                adjust: { $0.tls = tls(folder, isRequired: false) }, deliver: { inbox.store($0) }
            ) { port async throws in
                try await withClient(port: port) { client async throws in
                    _ = try await client.reply()
                    _ = try await client.ask("EHLO x")
                    let injected =
                        "EHLO evil\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<\(master)>\r\nDATA\r\ninjected\r\n.\r\n"
                    try await client.send("STARTTLS\r\n" + (isAtOnce ? injected : ""))
                    #expect(try await client.reply()?.hasPrefix("220 2.0.0") == true)
                    if !isAtOnce { try await client.send(injected) }
                    // TLS begins on the same connection, after what was injected.
                    let context = try NIOSSLContext(
                        configuration: {
                            var configuration = TLSConfiguration.makeClientConfiguration()
                            configuration.trustRoots = .file("\(folder)/ca.crt")
                            configuration.certificateVerification = .noHostnameVerification
                            return configuration
                        }())
                    try await client.channel.eventLoop.submit {
                        [pipeline = client.channel.pipeline] in
                        try pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil), position: .first)
                    }.get()
                    guard isAtOnce else {
                        // The injected bytes are no TLS: the connection ends.
                        let answer = try? await client.ask("EHLO x")
                        #expect(answer == nil || answer == "(closed)")
                        return
                    }
                    let greeting = try await client.ask("EHLO x")
                    #expect(greeting.hasPrefix("250") && !greeting.contains("STARTTLS"))
                    #expect(try await client.ask("STARTTLS").hasPrefix("503"))
                    #expect(try await client.ask("RCPT TO:<\(master)>").hasPrefix("503"))
                }
            }
            #expect(inbox.mails.isEmpty)
        }
    }

    @Test func aRenewedCertificateIsUsedWithoutARestart() async throws {
        try await withCertificates { folder in
            let inbox = Inbox()
            try await withListener(adjust: { $0.tls = tls(folder) }, deliver: { inbox.store($0) }) {
                port async throws in
                try await submission(port, trusting: folder).submit(makeMail(payload: [1]), from: branch, to: master)
                // What cannot be used is not used.
                try "nothing".write(toFile: "\(folder)/server.crt", atomically: true, encoding: .utf8)
                try await submission(port, trusting: folder).submit(makeMail(payload: [2]), from: branch, to: master)
                // Another authority signs: only who trusts the new one can submit.
                try await make(in: folder)
                try await submission(port, trusting: folder).submit(makeMail(payload: [3]), from: branch, to: master)
            }
            #expect(inbox.mails.count == 3)
        }
    }

    @Test func filesThatCannotBeUsedAreAClearError() async throws {
        await #expect {
            try await withListener(
                adjust: { $0.tls = ListenerTLS(certificateFile: "/nothing.crt", keyFile: "/x", isRequired: true) },
                deliver: { _ in }, body: { _ in })
        } throws: { error in
            "\(error)".contains("/nothing.crt")
        }
    }

    @Test func whatHasNoRoomNowIsToComeAgain() async throws {
        try await withListener(
            adjust: {
                $0.messageBytesMax = 1_000_000
                $0.memoryBytesMax = 1_500_000
            },
            deliver: { _ in throw MailStorageFull(reason: "full") }
        ) { port async throws in
            try await withClient(port: port) { first async throws in
                try await first.announce()
                try await withClient(port: port) { second async throws in
                    _ = try await second.reply()
                    _ = try await second.ask("EHLO x")
                    _ = try await second.ask("MAIL FROM:<\(branch)>")
                    _ = try await second.ask("RCPT TO:<\(master)>")
                    #expect(try await second.ask("DATA").hasPrefix("452 4.3.1"))
                    // A mail that says that it is small has room.
                    _ = try await second.ask("MAIL FROM:<\(branch)> SIZE=1000")
                    _ = try await second.ask("RCPT TO:<\(master)>")
                    #expect(try await second.ask("DATA").hasPrefix("354"))
                    #expect(try await second.ask("mail\r\n.").hasPrefix("452 4.3.1"))
                    // And has to stay so.
                    _ = try await second.ask("MAIL FROM:<\(branch)> SIZE=1000")
                    _ = try await second.ask("RCPT TO:<\(master)>")
                    #expect(try await second.ask("DATA").hasPrefix("354"))
                    let line = String(repeating: "x", count: 998) + "\r\n"
                    #expect(try await second.ask(String(repeating: line, count: 70) + ".").hasPrefix("552"))
                }
                #expect(try await first.ask("mail\r\n.").hasPrefix("452 4.3.1"))
            }
            try await withClient(port: port) { third async throws in
                try await third.announce()
                #expect(try await third.ask("mail\r\n.").hasPrefix("452"))
            }
        }
    }
}
