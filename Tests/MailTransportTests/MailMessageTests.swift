import Foundation
import Testing

@testable import MailTransport

@Suite struct MailMessageTests {
    @Test func aMailHasTheFormThatMailSystemsExpect() throws {
        let mail = try makeMail(payload: makePayload(bytes: 5000))
        let (header, body) = split(mail)
        #expect(
            header.components(separatedBy: "\r\n") == [
                "Date: Sat, 21 Nov 2026 02:05:07 +0000",
                "From: interorg@branch.example",
                "To: interorg@master.example",
                "Message-ID: <request.17@branch.example>",
                "In-Reply-To: <reply.16@master.example>",
                "References: <reply.16@master.example>",
                "Subject: InterOrg Sync request 17 of branch-a",
                "Auto-Submitted: auto-generated",
                "MIME-Version: 1.0",
                "Content-Type: application/vnd.interorg.exchange+ndjson+gzip",
                "Content-Transfer-Encoding: base64",
            ])
        let lines = body.components(separatedBy: "\r\n")
        #expect(lines.last == "")
        #expect(lines.dropLast(2).allSatisfy { $0.utf8.count == 76 })
        #expect(!body.replacingOccurrences(of: "\r\n", with: "").contains("\n"))
    }

    @Test func whatIsComposedIsRead() throws {
        let message = try makeMessage(body: envelope.seal(makePayload(bytes: 5000), to: masterID))
        let reading = try MailReading(
            message.encoded(), envelopeSender: branch, contentTypes: envelope.acceptedContentTypes
        )
        guard case .exchange(let mail) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(mail.from == message.from)
        #expect(mail.messageID == message.messageID)
        #expect(mail.inReplyTo == message.inReplyTo)
        #expect(mail.date == message.date)
        #expect(mail.subject == message.subject)
        #expect(mail.body == message.body)
    }

    @Test(arguments: [0, 1, 56, 57, 58, 100_000])
    func theBoundOfTheEncodedSizeHolds(bytes: Int) throws {
        let body = SealedBody(
            contentType: "application/x; a=\"" + String(repeating: ";", count: 180) + "\"",
            bytes: makeNoise(bytes: bytes))
        let encoded = try makeMessage(body: body, subject: String(repeating: "ü", count: 100)).encoded()
        let bound = MailMessage.encodedBytesMax(bodyBytes: bytes)
        #expect(encoded.count <= bound)
        #expect(bound - encoded.count < MailMessage.headerBytesMax)
        #expect(MailMessage.encodedBytesMax(payloadBytes: bytes, in: envelope) >= bound)
    }

    @Test(arguments: ["x\r\nBcc: a@b.example", "x\nBcc: a@b.example", "x\r\n\r\nbody", "x\u{0}", "x\u{85}y", "x\ry"])
    func aSubjectCannotStartAnotherField(subject: String) throws {
        #expect(throws: MailFormatError.self) {
            try makeMessage(body: SealedBody(contentType: "text/plain", bytes: []), subject: subject)
        }
    }

    @Test(arguments: ["text/plain\r\nBcc: a@b.example", "text", "", "text/plain; x=\"ü\"", "a b/c"])
    func aContentTypeCannotStartAnotherField(contentType: String) throws {
        #expect(throws: MailFormatError.self) { try makeMessage(body: SealedBody(contentType: contentType, bytes: [])) }
    }

    @Test(arguments: [
        "a@b.example\r\nBcc: c@d.example", "a@b.example>", "<a@b.example>", "a b@c.example", "a@b@c.example\n",
        "@b.example",
        "a@", "a", "", "ü@b.example", "a@b .example", "a..b@c.example", "\"a b\"@c.example", "a@b.example,c@d.example",
        "a@b\u{0}", "a@-b\r",
    ])
    func anAddressCannotDoHarm(text: String) {
        #expect(throws: MailFormatError.self) { try MailAddress(text) }
    }

    @Test(arguments: [
        "<a@b>\r\nBcc: c@d.example", "a@b", "<ab>", "<a@b", "<a b@c>", "<a@b><c@d>", "<a\n@b>", "<ü@b>", "",
    ])
    func aMessageIDCannotDoHarm(text: String) {
        #expect(throws: MailFormatError.self) { try MessageID(text) }
    }

    @Test func addressesAreEqualWhateverTheirCase() {
        #expect(makeAddress("InterOrg@Master.Example") == master)
        #expect(Set([makeAddress("InterOrg@Master.Example")]).contains(master))
        #expect(makeAddress("interorg+x@[127.0.0.1]") != master)
    }

    @Test(arguments: [
        "plain", "Grüße aus Köln", String(repeating: "lang ", count: 39) + "end", String(repeating: "日本", count: 33),
        "=?UTF-8?B?eA==?=", " spaced ",
    ])
    func aSubjectComesBackAsItWas(subject: String) throws {
        let message = try makeMessage(body: SealedBody(contentType: "text/x", bytes: []), subject: subject)
        let encoded = message.encoded()
        #expect(encoded.allSatisfy { $0 < 0x7F })
        #expect(split(encoded).header.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 78 })
        let reading = try MailReading(encoded, envelopeSender: branch, contentTypes: ["text/x"])
        guard case .exchange(let mail) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(mail.subject == subject)
    }

    @Test(arguments: [
        "Sat, 21 Nov 2026 02:05:07 +0000", "21 Nov 2026 02:05:07 GMT", "Sat, 21 Nov 2026 04:35:07 +0230 (CET)",
        "Fri, 20 Nov 2026 21:05:07 -0500",
    ])
    func datesAreRead(text: String) {
        #expect(RFC5322Date.date(text) == Date(timeIntervalSince1970: 1_795_226_707))
    }
}
