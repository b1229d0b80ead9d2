import Foundation
import Testing

@testable import MailTransport

/// What mail systems do to a mail on its way.
@Suite struct MailReadingTests {
    static let exchangePayload = makePayload(bytes: 20_000)

    @Test func aMailWithLineFeedsOnlyIsRead() throws {
        let mail = try makeMail(payload: Self.exchangePayload).filter { $0 != 0x0D }
        #expect(try payload(of: mail) == Self.exchangePayload)
    }

    @Test(arguments: [4, 60, 61, 998])
    func aRewrappedBodyIsRead(lineCharacters: Int) throws {
        let (header, body) = split(try makeMail(payload: Self.exchangePayload))
        var characters = Array(body.filter { !$0.isNewline })[...]
        var rewrapped = ""
        while !characters.isEmpty {
            rewrapped += String(characters.prefix(lineCharacters)) + "\r\n"
            characters = characters.dropFirst(lineCharacters)
        }
        #expect(try payload(of: Array("\(header)\r\n\r\n\(rewrapped)".utf8)) == Self.exchangePayload)
    }

    @Test(arguments: ["\r\n", "\n"])
    func aBodyInQuotedPrintableIsRead(lineEnd: String) throws {
        let sealed = try envelope.seal(Self.exchangePayload, to: masterID)
        let (header, _) = split(try makeMail(payload: Self.exchangePayload))
        let changed = header.replacingOccurrences(of: "base64", with: "Quoted-Printable")
            .replacingOccurrences(of: "\r\n", with: lineEnd)
        let mail = changed + lineEnd + lineEnd + quotedPrintable(sealed.bytes, lineEnd: lineEnd)
        #expect(try payload(of: Array(mail.utf8)) == Self.exchangePayload)
    }

    /// A system that takes the last line break of a body for a part of the data, and encodes it.
    @Test(arguments: ["=0A", "=0D=0A", "=0D=0A=0A"])
    func encodedLineBreaksAtTheEndDoNoHarm(added: String) throws {
        let (header, _) = split(try makeMail(payload: Self.exchangePayload))
        let sealed = try envelope.seal(Self.exchangePayload, to: masterID)
        let mail = { (added: String) in
            Array(
                (header.replacingOccurrences(of: "base64", with: "quoted-printable") + "\r\n\r\n"
                    + String(quotedPrintable(sealed.bytes, lineEnd: "\r\n").dropLast()) + "=\r\n" + added + "\r\n").utf8
            )
        }
        #expect(try payload(of: mail(added)) == Self.exchangePayload)
        #expect(throws: EnvelopeError.self) { try payload(of: mail("=00")) }
    }

    @Test func quotedPrintableKeepsTextAndDropsWhatWasAddedOnTheWay() throws {
        let text = "a=3D1 \t\r\nb =\r\nc=20\r\n\r\nd=0d=0A\r\n\r\n"
        #expect(try QuotedPrintable.decode(Array(text.utf8)[...]) == Array("a=1\r\nb c \r\n\r\nd\r\n".utf8))
        for damaged in ["a=G1", "a=1"] {
            #expect(throws: MailFormatError.self) { try QuotedPrintable.decode(Array(damaged.utf8)[...]) }
        }
    }

    @Test(arguments: ["7bit", "8bit", "binary", ""])
    func aBodyWithoutTransferEncodingIsRead(encoding: String) throws {
        let field = encoding.isEmpty ? "" : "Content-Transfer-Encoding: \(encoding)\r\n"
        let mail = "From: \(branch)\r\nContent-Type: text/x\r\n\(field)\r\nGrüße\r\nline\r\n"
        let reading = try MailReading(Array(mail.utf8), envelopeSender: branch, contentTypes: ["text/x"])
        guard case .exchange(let exchange) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(exchange.body.bytes == Array("Grüße\r\nline".utf8))
    }

    @Test func addedAndRefoldedFieldsDoNoHarm() throws {
        let (header, body) = split(try makeMail(payload: Self.exchangePayload))
        let changed =
            "Return-Path: <\(branch)>\r\nReceived: from a (b [192.0.2.1])\r\n\tby c with ESMTP id 1;\r\n Sat\r\n"
            + header.replacingOccurrences(of: "Content-Type: application", with: "CONTENT-TYPE :\r\n\tApplication")
            .replacingOccurrences(of: "From: \(branch)", with: "fRoM: \"Sync, <x@y.example>\" (a\\)b) <\(branch)>")
            + "; name=\"a;b\"\r\nX-Spam-Status: No\r\n"
        let type = changed.replacingOccurrences(of: "base64; name=\"a;b\"", with: "BASE64")
        #expect(try payload(of: Array("From mailer Sat Nov 21\r\n\(type)\r\n\(body)".utf8)) == Self.exchangePayload)
    }

    @Test(arguments: ["\r\n", "\n"])
    func ourPartIsFoundInAMailThatAListHasWrapped(lineEnd: String) throws {
        let mail = try wrapped(payload: Self.exchangePayload).replacingOccurrences(of: "\r\n", with: lineEnd)
        #expect(try payload(of: Array(mail.utf8)) == Self.exchangePayload)
    }

    @Test func aMailThatIsCutOffIsNotTakenForWhole() throws {
        let mail = try makeMail(payload: Self.exchangePayload)
        // Behind the header section every cut is noticed, by base64 or by gzip. Without its last line break and padding
        // it is still whole.
        for kept in stride(from: mail.count - 5, to: mail.count - 3000, by: -101) {
            #expect(throws: (any Error).self, "\(kept) of \(mail.count) bytes") {
                try payload(of: Array(mail[..<kept]))
            }
        }
        #expect(throws: MailFormatError.self) { try payload(of: Array(mail[..<480])) }
        let list = Array(try wrapped(payload: Self.exchangePayload).utf8)
        let footerBytes = 500
        #expect(throws: (any Error).self) { try payload(of: Array(list[..<(list.count - footerBytes)])) }
    }

    @Test func textInsideOfBase64IsAnError() throws {
        let mail = try makeMail(payload: Self.exchangePayload)
        #expect {
            try payload(of: mail + Array("-- \r\nThis list is for everyone.\r\n".utf8))
        } throws: { error in
            "\(error)".contains("a mail system on the way seems to add text")
        }
    }

    @Test func fieldsThatContradictEachOtherAreAnError() throws {
        let mail = try makeMail(payload: Self.exchangePayload)
        #expect(throws: MailFormatError.self) { try payload(of: Array("Content-Type: text/plain\r\n".utf8) + mail) }
        #expect(throws: MailFormatError.self) { try payload(of: Array("From: evil@x.example\r\n".utf8) + mail) }
        #expect(throws: MailFormatError.self) {
            try payload(of: Array(String(decoding: mail, as: UTF8.self).replacing("base64", with: "uuencode").utf8))
        }
    }

    @Test func hostileNestingEnds() throws {
        var mail = "From: \(branch)\r\n"
        for depth in 0..<1000 { mail += "Content-Type: multipart/mixed; boundary=b\(depth)\r\n\r\n--b\(depth)\r\n" }
        #expect(throws: MailFormatError.self) { try payload(of: Array(mail.utf8)) }
        let many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + String(repeating: "--b\r\n\r\n", count: 5000)
        #expect(throws: MailFormatError.self) { try payload(of: Array(many.utf8)) }
        let endless = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(throws: MailFormatError.self) { try payload(of: endless) }
    }

    @Test func anAbsenceNoticeIsNoAnswer() throws {
        let notice = "From: \(branch)\r\nAuto-Submitted: auto-replied (vacation)\r\nSubject: Away\r\n\r\nI am away.\r\n"
        let reading = try MailReading(Array(notice.utf8), envelopeSender: branch, contentTypes: ["x/y"])
        guard case .automaticReply(let reason) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(reason.contains("auto-replied") && reason.contains("Away"))
    }

    @Test func anyOtherMailIsUnrelated() throws {
        let letter = "From: a@b.example\r\nSubject: Lunch?\r\n\r\nToday?\r\n"
        let reading = try MailReading(Array(letter.utf8), envelopeSender: branch, contentTypes: ["x/y"])
        guard case .unrelated(let reason) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(reason.contains("text/plain") && reason.contains("Lunch?"))
    }

    @Test func aBounceIsNeverAnAnswerEvenWithOurMailInside() throws {
        let original = String(decoding: try makeMail(payload: Self.exchangePayload), as: UTF8.self)
        let report = """
            From: MAILER-DAEMON@relay.example
            Subject: Undelivered Mail
            Auto-Submitted: auto-replied
            Content-Type: multipart/report; report-type=delivery-status; boundary="=_b/1"

            --=_b/1

            Sorry.
            --=_b/1
            Content-Type: message/delivery-status

            Reporting-MTA: dns; relay.example

            Final-Recipient: rfc822; ok@master.example
            Action: delivered

            Final-Recipient: rfc822; interorg@master.example
            Action: Failed
            Status: 5.1.1
            Diagnostic-Code: smtp; 550 5.1.1 user
                unknown

            --=_b/1
            Content-Type: message/rfc822


            """ + original + "\r\n--=_b/1--\r\n"
        for sender in [nil, branch] {
            let reading = try MailReading(
                Array(report.utf8), envelopeSender: sender, contentTypes: envelope.acceptedContentTypes
            )
            guard case .bounce(let bounce) = reading else { throw UnexpectedReading(reading: reading) }
            #expect(bounce.action == .failed)
            #expect(bounce.recipient == "interorg@master.example")
            #expect(bounce.status == "5.1.1")
            #expect(bounce.diagnostic == "550 5.1.1 user unknown")
            #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
        }
        let empty = try MailReading(
            Array(original.utf8), envelopeSender: nil, contentTypes: envelope.acceptedContentTypes
        )
        guard case .bounce = empty else { throw UnexpectedReading(reading: empty) }
    }

    /// A mail of ours as a mailing list passes it on, with a footer of more than 200 bytes.
    private func wrapped(payload: [UInt8]) throws -> String {
        let (header, body) = split(try makeMail(payload: payload))
        let fields = header.components(separatedBy: "\r\n")
        let ours = fields.filter { $0.hasPrefix("Content-") }.joined(separator: "\r\n")
        let others = fields.filter { !$0.hasPrefix("Content-") }.joined(separator: "\r\n")
        let footer = "Content-Type: text/plain\r\n\r\n" + String(repeating: "footer ", count: 40)
        return
            "\(others)\r\nContent-Type: multipart/mixed;\r\n boundary=\"==a b?\"\r\n\r\nThis is MIME.\r\n--==a b?\r\n"
            + "\(ours)\r\n\r\n\(body)\r\n--==a b?  \r\n\(footer)\r\n--==a b?--\r\nepilogue\r\n"
    }

    private func quotedPrintable(_ bytes: [UInt8], lineEnd: String) -> String {
        var text = ""
        var column = 0
        for byte in bytes {
            let isPlain = (0x21...0x7E).contains(byte) && byte != 0x3D
            let piece = isPlain ? String(UnicodeScalar(byte)) : "=" + String(format: "%02X", byte)
            if column + piece.count > 75 {
                text += "=" + lineEnd
                column = 0
            }
            text += piece
            column += piece.count
        }
        return text + lineEnd
    }
}
