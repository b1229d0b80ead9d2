import Foundation
import MailTransport
import TestSupport
import Testing

@Suite("Mail that is nothing for a service")
struct BadMailTests {
    private struct BadMail {
        var from: String
        var mail: [UInt8]
        /// A part of the reason that has to be shown.
        var reason: String
    }

    @Test("is refused with its reason, and the service goes on", .timeLimit(.minutes(10)))
    func refusedMail() async throws {
        try await withExchange(people: 4, isSealed: false) { exchange in
            try exchange.start()
            try await exchange.converge()
            let mails = try badMails(to: exchange.a, master: exchange.master)
            let submission = try SMTPSubmission(
                url: "smtp://127.0.0.1:\(exchange.a.mailPort)", credentials: nil, insecure: true)
            for mail in mails {
                try await submission.submit(
                    mail.mail, from: MailAddress(mail.from), to: MailAddress(exchange.a.address))
            }
            try await waitUntil("every mail has been refused") {
                try await refusedMails(exchange.a).count == mails.count
            }
            let refused = try await refusedMails(exchange.a)
            for mail in mails {
                #expect(
                    refused.contains { $0.sender == mail.from && $0.reason.contains(mail.reason) },
                    "\(mail.from): \(mail.reason); there is \(refused)")
            }
            let table = try await exchange.a.command("status").output
            #expect(table.contains("refused mail"))

            try await exchange.b.withDirectory { connection in
                try await connection.addPerson("late", in: exchange.b.exportBase, title: "Late")
            }
            try await exchange.converge()
            #expect(exchange.a.isRunning)
        }
    }

    private func badMails(to organization: Organization, master: Organization) throws -> [BadMail] {
        let envelope = InsecureEnvelope(payloadBytesMax: 1_000_000, peers: [])
        let body = try envelope.seal(Array("{\"kind\":\"reply\"}\n".utf8), to: UUID())
        let text = SealedBody(contentType: "text/plain", bytes: Array("Lunch?".utf8))
        let garbage = SealedBody(contentType: body.contentType, bytes: Array("no gzip at all".utf8))
        let truncated = SealedBody(contentType: body.contentType, bytes: Array(body.bytes.dropLast(12)))
        return [
            BadMail(
                from: "friend@hq.example", mail: try mail(text, from: "friend@hq.example", to: organization),
                reason: "it is an automatic reply"),
            BadMail(
                from: "interorg@stranger.example",
                mail: try mail(body, from: "interorg@stranger.example", to: organization),
                reason: "interorg@stranger.example is the address of no organization of the exchange"),
            BadMail(
                from: master.address, mail: try mail(garbage, from: master.address, to: organization),
                reason: "cannot open a message from interorg@hq.example"),
            BadMail(
                from: master.address, mail: try mail(truncated, from: master.address, to: organization),
                reason: "cut off"),
            BadMail(
                from: master.address, mail: try mail(body, from: master.address, to: organization),
                reason: "the message is truncated"),
        ]
    }

    private func mail(_ body: SealedBody, from: String, to organization: Organization) throws -> [UInt8] {
        try MailMessage(
            from: MailAddress(from), to: MailAddress(organization.address), subject: "A mail", date: Date(),
            messageID: MessageID("<\(UUID().uuidString)@hq.example>"), autoSubmitted: .generated, body: body
        ).encoded()
    }

    private func refusedMails(_ organization: Organization) async throws -> [(sender: String, reason: String)] {
        let status = try await organization.command("status", "--json").json()
        let mails = status["refusedMails"] as? [[String: Any]] ?? []
        return mails.map { ($0["sender"] as? String ?? "", $0["reason"] as? String ?? "") }
    }
}
