import Foundation
import Testing

@testable import MailTransport

/// A mail of ours after everything at once that systems on the way may do to it, in many combinations.
@Suite struct TransformationTests {
    private static let sentPayload = makePayload(bytes: 30_000)

    private struct Mail: Sendable {
        var fields: [String]
        var body: String

        var text: String { fields.joined(separator: "\r\n") + "\r\n\r\n" + body }

        func field(_ name: String) -> Int? { fields.firstIndex { $0.lowercased().hasPrefix(name + ":") } }
    }

    private typealias Step = (name: String, apply: @Sendable (inout Mail, inout SplitMix64) -> Void)

    private static let steps: [Step] = [
        (
            "fields on top",
            { mail, _ in
                mail.fields.insert("Return-Path: <\(branch)>", at: 0)
                mail.fields.insert("Received: from a (b [192.0.2.1])\r\n\tby c; Sat, 21 Nov 2026 19:46:28 +0000", at: 1)
                mail.fields.insert(
                    "DKIM-Signature: v=1; a=rsa-sha256; d=x.example;\r\n\th=from:to; b=YWJj\r\n\t ZGVm", at: 1)
            }
        ),
        (
            "fields behind",
            { mail, _ in
                mail.fields += [
                    "X-Spam-Status: No, score=-1\r\n\ttests=NONE", "List-Id: <all.example>", "Precedence: list",
                ]
            }
        ),
        ("fields in another order", { mail, random in mail.fields.shuffle(using: &random) }),
        (
            "other letter case",
            { mail, _ in
                mail.fields = mail.fields.map { field in
                    let colon = field.firstIndex(of: ":") ?? field.startIndex
                    return field[..<colon].uppercased() + field[colon...]
                }
            }
        ),
        (
            "content type folded",
            { mail, _ in
                guard let index = mail.field("content-type") else { return }
                mail.fields[index] = mail.fields[index].replacingOccurrences(of: ": ", with: ":\r\n   ") + "\r\n\t"
            }
        ),
        (
            "charset added",
            { mail, _ in
                guard let index = mail.field("content-type") else { return }
                mail.fields[index] += ";\r\n\tcharset=\"utf-8\"; name=\"exchange;1.bin\""
            }
        ),
        (
            "display name",
            { mail, _ in
                guard let index = mail.field("from") else { return }
                mail.fields[index] = "From: =?utf-8?q?InterOrg?= \"Sync, the <service>\" <\(branch)> (for machines)"
            }
        ),
        (
            "subject marked",
            { mail, _ in
                guard let index = mail.field("subject") else { return }
                mail.fields[index] = "Subject: [EXTERNAL] *** SPAM? ***\r\n InterOrg Sync"
            }
        ),
        (
            "encoded anew in quoted-printable",
            { mail, random in
                guard let index = mail.field("content-transfer-encoding"), mail.fields[index].hasSuffix("base64"),
                    let bytes = try? Base64.decode(Array(mail.body.utf8)[...])
                else { return }
                mail.fields[index] = "Content-Transfer-Encoding: quoted-printable"
                mail.body = quotedPrintable(bytes, lineMax: 40 + Int(random.next() % 36))
            }
        ),
        (
            "base64 wrapped elsewhere",
            { mail, random in
                guard let index = mail.field("content-transfer-encoding"), mail.fields[index].hasSuffix("base64") else {
                    return
                }
                var characters = Substring(mail.body.filter { !$0.isWhitespace })
                mail.body = ""
                while !characters.isEmpty {
                    let count = 1 + Int(random.next() % 200)
                    mail.body += characters.prefix(count) + "\r\n"
                    characters = characters.dropFirst(count)
                }
            }
        ),
        (
            "blanks at the ends of lines",
            { mail, _ in
                // Of a body that has no parts: in the header section of one, such a line would not end it.
                guard mail.field("content-transfer-encoding") != nil else { return }
                mail.body = mail.body.replacingOccurrences(of: "\r\n", with: " \t\r\n")
            }
        ),
        ("empty lines at the end", { mail, _ in mail.body += "\r\n\r\n" }),
        (
            "a footer as a part of its own",
            { mail, _ in wrap(&mail, before: "", after: "Content-Type: text/plain\r\n\r\nscanned\r\n") }
        ),
        (
            "a banner before, in another multipart",
            { mail, _ in
                wrap(&mail, before: "Content-Type: text/html\r\n\r\n<p>From outside</p>\r\n", after: "")
            }
        ),
    ]

    /// The mail as a part of a multipart.
    private static func wrap(_ mail: inout Mail, before: String, after: String) {
        let isContent = { (field: String) in field.lowercased().hasPrefix("content-") }
        let boundary = "=_\(mail.body.count)_\(before.count)"
        let inner = mail.fields.filter(isContent).joined(separator: "\r\n") + "\r\n\r\n" + mail.body
        let parts = [before, inner, after].filter { !$0.isEmpty }
        mail.body =
            "This is a multi-part message in MIME format.\r\n"
            + parts.map { "\r\n--\(boundary)\r\n\($0)" }.joined() + "\r\n--\(boundary)--\r\n"
        mail.fields =
            mail.fields.filter { !isContent($0) }
            + ["Content-Type: multipart/mixed;\r\n boundary=\"\(boundary)\""]
    }

    private static func quotedPrintable(_ bytes: [UInt8], lineMax: Int) -> String {
        var text = ""
        var column = 0
        for byte in bytes {
            let isPlain = (0x21...0x7E).contains(byte) && byte != 0x3D
            let piece = isPlain ? String(UnicodeScalar(byte)) : "=" + String(format: "%02X", byte)
            if column + piece.count > lineMax {
                text += "=\r\n"
                column = 0
            }
            text += piece
            column += piece.count
        }
        return text + "\r\n"
    }

    private static func sent() throws -> Mail {
        let (header, body) = split(try makeMail(payload: sentPayload))
        // A folded field is one field.
        let fields = header.replacingOccurrences(of: "\r\n ", with: " ").components(separatedBy: "\r\n")
        return Mail(fields: fields, body: body)
    }

    @Test(arguments: steps.indices)
    func eachAlone(index: Int) throws {
        var mail = try Self.sent()
        let before = mail.text
        var random = SplitMix64(state: 1)
        Self.steps[index].apply(&mail, &random)
        #expect(mail.text != before, "\(Self.steps[index].name)")
        for lineEnd in ["\r\n", "\n"] {
            let bytes = Array(mail.text.replacingOccurrences(of: "\r\n", with: lineEnd).utf8)
            #expect(try payload(of: bytes) == Self.sentPayload, "\(Self.steps[index].name)")
        }
    }

    @Test(arguments: UInt64(1)...60)
    func manyTogether(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        var mail = try Self.sent()
        let chosen = (0..<6).map { _ in Self.steps[Int(random.next() % UInt64(Self.steps.count))] }
        for step in chosen { step.apply(&mail, &random) }
        let lineEnd = seed.isMultiple(of: 2) ? "\n" : "\r\n"
        let bytes = Array(mail.text.replacingOccurrences(of: "\r\n", with: lineEnd).utf8)
        #expect(try payload(of: bytes) == Self.sentPayload, "\(chosen.map(\.name)), seed \(seed)")
    }
}
