import Foundation
import NIOCore
import TestSupport
import Testing

@testable import MailTransport

/// What anybody can send is refused or understood, and crashes nothing.
@Suite("Fuzzed", .serialized) struct FuzzTests {
    private static let mailWords = [
        "\r\n", "\r\n\r\n", "\n", " ", "\t", ":", ";", "\"", "\\", "(", ")", "<", ">", "@", "=", "=?utf-8?Q?=", "?=",
        "=?UTF-8?B?", "=\r\n", "=0", "--b", "--b--", "boundary=b", "Content-Type: ", "multipart/mixed; boundary=b",
        "multipart/report; report-type=delivery-status; boundary=b", "Content-Transfer-Encoding: ", "base64",
        "quoted-printable", "binary", "application/pkcs7-mime", "message/rfc822", "message/delivery-status", "From: ",
        "Message-ID: <", "Date: ", "Action: failed", "Final-Recipient: rfc822; ", "Diagnostic-Code: smtp; ", "\u{0}",
        "ü",
        "Fri, 31 Dec 9999 23:59:60 +9999", "=?=?=?=",
    ]

    @Test("mails and their parts")
    func mails() throws {
        let plain = try makeMail(payload: makePayload(bytes: 300))
        let (header, body) = split(plain)
        let quoted =
            "From: \"A \\\" b\" <x@a.example>(c)\r\nSubject: =?utf-8?Q?=C3=BC?= =?iso-8859-1?B?/A==?=\r\n"
            + "Date: Mon, 2 Nov 2026 10:00:00 -0500 (EST)\r\nContent-Type: \(InsecureEnvelope.contentType)\r\n"
            + "Content-Transfer-Encoding: quoted-printable\r\n\r\na=20b=\r\nc=3D\r\n"
        let wrapped =
            "From: x@a.example\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n\r\ntext\r\n"
            + "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\(header)\r\n\r\n\(body)\r\n--c--\r\n--b--\r\n"
        let samples = [plain, Array(quoted.utf8), Array(wrapped.utf8)]
        try Fuzzing("mails", samples: samples, dictionary: Self.mailWords).run(share: 10) { input in
            _ = MailSender(of: input)
            let sender = input.count.isMultiple(of: 3) ? nil : branch
            guard
                case .exchange(let mail) = try MailReading(
                    input, envelopeSender: sender, contentTypes: envelope.acceptedContentTypes)
            else { return }
            _ = try envelope.open(mail.body, from: branch)
        }
    }

    @Test("bounces")
    func bounces() throws {
        let bounce = """
            From: MAILER-DAEMON@hq.example\r
            Subject: Undelivered Mail\r
            Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
            \r
            --b\r
            \r
            I'm sorry.\r
            --b\r
            Content-Type: message/delivery-status\r
            \r
            Reporting-MTA: dns; hq.example\r
            \r
            Final-Recipient: rfc822; interorg@a.example\r
            Action: failed\r
            Status: 5.1.1\r
            Diagnostic-Code: smtp; 550 no such user\r
            \r
            --b\r
            Content-Type: text/rfc822-headers\r
            \r
            Message-ID: <1@hq.example>\r
            --b--\r

            """
        try Fuzzing("bounces", samples: [Array(bounce.utf8)], dictionary: Self.mailWords).run(share: 10) { input in
            _ = try MailReading(input, envelopeSender: nil, contentTypes: envelope.acceptedContentTypes)
        }
    }

    @Test(
        "commands of SMTP and LMTP, with the mail between them", arguments: [MailListener.TransferProtocol.smtp, .lmtp])
    func commands(transferProtocol: MailListener.TransferProtocol) throws {
        let hello = transferProtocol == .lmtp ? "LHLO" : "EHLO"
        let session = """
            \(hello) client.example\r
            MAIL FROM:<interorg@branch.example> SIZE=200 BODY=8BITMIME\r
            RCPT TO:<interorg@master.example>\r
            DATA\r
            From: x\r
            \r
            ..dots\r
            .\r
            RSET\r
            NOOP\r
            VRFY x\r
            MAIL FROM:<>\r
            RCPT TO:<Interorg@MASTER.example>\r
            DATA\r
            \r
            .\r
            QUIT\r

            """
        let words = [
            "\r\n", "\n", "\r", ".\r\n", "\r\n.\r\n", "<", ">", "MAIL FROM:", "RCPT TO:", "DATA\r\n", "SIZE=",
            "STARTTLS\r\n",
            "99999999999999999999", "-1", "BODY=BINARYMIME", "BDAT 10 LAST\r\n", "\u{0}", "é", "QUIT\r\n",
            "\(hello) x\r\n",
        ]
        let configuration = MailListener.Configuration(
            host: "127.0.0.1", port: 0, transferProtocol: transferProtocol, recipients: [master], messageBytesMax: 300)
        try Fuzzing("\(transferProtocol)", samples: [Array(session.utf8)], dictionary: words).run(share: 10) { input in
            var session = MailSession(configuration: configuration)
            // In pieces, as the network hands it over.
            for start in stride(from: 0, to: input.count, by: 61) {
                session.receive(ByteBuffer(bytes: input[start..<min(start + 61, input.count)]))
                while let action = session.nextAction() {
                    guard case .deliver(let mails) = action else { continue }
                    guard mails.allSatisfy({ $0.bytes.count <= 300 && $0.recipient == master }) else {
                        throw TestSupportError("a mail was taken that is too large or for somebody else")
                    }
                    session.delivered(mails.map { _ in .stored })
                }
            }
        }
    }

    @Test("answers of an IMAP server")
    func responses() throws {
        let text =
            "* OK ready\r\nS1 OK done\r\n* 3 EXISTS\r\n* SEARCH 1 2 3\r\n"
            + "* 1 FETCH (UID 7 RFC822.SIZE 5 BODY[] {5}\r\na\r\n{9 FLAGS (\\Seen))\r\nS2 NO [TRYCREATE] no\r\n"
        let words = [
            "\r\n", "\n", "{", "}", "{5}\r\n", "{5+}\r\n", "{99999999999999999999}\r\n", "{-1}\r\n", "* ", "UID ",
            "FETCH", "(", ")", "\"", "[", "]", "\u{0}", "S1 OK", "é",
        ]
        try Fuzzing("imap", samples: [Array(text.utf8)], dictionary: words).run(share: 5) { input in
            var reader = IMAPResponseReader(literalBytesMax: 1_000)
            for start in stride(from: 0, to: input.count, by: 61) {
                reader.receive(input[start..<min(start + 61, input.count)])
                while let response = try reader.next() {
                    guard (response.literal?.count ?? 0) <= 1_000 else {
                        throw TestSupportError("a literal is larger than the limit")
                    }
                    _ = (response.text, response.number(after: "UID"), response.text(after: "S1"))
                }
            }
        }
    }

    @Test("encrypted mail", arguments: ContentCipher.allCases)
    func encrypted(cipher: ContentCipher) throws {
        let (a, b) = (try Party("a"), try Party("b"))
        let payload = makePayload(bytes: 50)
        let sealed = try a.envelope(b.peer(cipher: cipher)).seal(payload, to: b.id).bytes
        let envelope = b.envelope(a.peer())
        try Fuzzing("\(cipher)", samples: [sealed], dictionary: Self.derWords).run(share: 5) { input in
            let body = SealedBody(contentType: "application/pkcs7-mime", bytes: input)
            let opened = try envelope.open(body, from: a.address)
            guard opened == OpenedBody(speaker: a.id, payload: payload) else {
                throw TestSupportError("something else was taken for what a has sealed")
            }
        }
    }

    @Test("what is signed, inside of mail that is encrypted")
    func signed() throws {
        let (a, b) = (try Party("a"), try Party("b"))
        let payload = makePayload(bytes: 50)
        let entity = MIMEEntity.encode(
            contentType: "\(InsecureEnvelope.contentType); recipient=\(b.id)", encoding: "binary",
            try Gzip.compress(payload))
        let signed = try CMSContent.signed(entity, by: a.identity, now: testTime)
        let samples = [
            MIMEEntity.encode(contentType: "application/pkcs7-mime", encoding: "binary", signed),
            MIMEEntity.encode(contentType: "application/pkcs7-mime", encoding: "base64", Base64.encodeLines(signed)),
        ]
        let authority = try CertificateAuthority([a.identity.certificate])
        let pinned = b.envelope(a.peer())
        let certified = b.envelope(a.peer(certificates: []), authority: authority)
        try Fuzzing("signed", samples: samples, dictionary: Self.derWords + Self.mailWords).run(share: 10) { input in
            for envelope in [pinned, certified] {
                let opened = try envelope.open(decrypted: input)
                guard opened == OpenedBody(speaker: a.id, payload: payload) else {
                    throw TestSupportError("something else was taken for what a has signed")
                }
            }
        }
    }

    @Test("certificates and keys")
    func certificates() throws {
        let identity = try Party("a").identity
        let samples = [
            Array(identity.certificate.pem.utf8), identity.certificate.der, Array(try identity.key.pem().utf8),
        ]
        try Fuzzing("certificates", samples: samples, dictionary: Self.derWords).run(share: 5) { input in
            for certificate in (try? Certificate.all(in: input)) ?? [] {
                _ = (certificate.subject, certificate.addresses, certificate.fingerprint, certificate.pem)
                _ = identity.key.belongs(to: certificate)
            }
            _ = try PrivateKey(pem: input)
        }
    }

    @Test("compressed payloads")
    func compressed() throws {
        let samples = [
            try Gzip.compress(makePayload(bytes: 400)), try Gzip.compress([UInt8](repeating: 0, count: 90_000)),
        ]
        try Fuzzing("gzip", samples: samples, dictionary: []).run(share: 5) { input in
            guard try Gzip.expand(input, bytesMax: 100_000).count <= 100_000 else {
                throw TestSupportError("more came out than the limit")
            }
        }
    }

    /// Lengths and tags of DER, some of them absurd.
    private static let derWords = [
        "\u{30}\u{7F}", "0\u{0}", "\u{4}\u{0}", "\u{2}\u{1}\u{0}", "\u{6}\u{3}", "\u{5}\u{0}",
        "-----BEGIN CERTIFICATE-----\n",
        "-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\n", "MII", "====",
    ]
}
