import Foundation
import Testing

@testable import MailTransport

/// Names and values come from organizations that are not ours.
@Suite("No name becomes more than a name") struct InjectionTests {
    static let names = [
        "a\r\nBcc: evil@x.example", "a\nX: y", "a\u{0}b", "a\r", "\u{85}a", "a\u{2028}b",
    ]
    static let oddNames = [
        "../../etc/passwd", "a,ou=b+cn=c", "\"a\" <x@x.example>", "=?utf-8?Q?=0D=0ABcc=3A_x?=", "a\u{202E}b",
        "name; smime-type=x",
        "-----BEGIN CERTIFICATE-----", "$(reboot)", "${x} %n %s", String(repeating: "ü", count: 64),
    ]

    @Test("in the header section of a mail: control characters are refused", arguments: names)
    func controlCharacters(name: String) throws {
        let body = SealedBody(contentType: "text/plain", bytes: [])
        guard let message = try? makeMessage(body: body, subject: name) else { return }
        try expectPlain(message)
        #expect(throws: MailFormatError.self) { try makeMessage(body: body, subject: "a\r\nb") }
        #expect(throws: MailFormatError.self) {
            try makeMessage(body: SealedBody(contentType: "text/plain\r\nBcc: x", bytes: []))
        }
    }

    @Test("in the header section of a mail: whatever else it has is text", arguments: oddNames)
    func odd(name: String) throws {
        let message = try makeMessage(body: SealedBody(contentType: "text/plain", bytes: []), subject: name)
        try expectPlain(message)
        var rest = message.encoded()[...]
        let (header, _) = try HeaderSection.take(from: &rest)
        #expect(EncodedWord.decode(try #require(try header.only("subject"))) == name)
    }

    private func expectPlain(_ message: MailMessage) throws {
        let (header, _) = split(message.encoded())
        let fields = header.components(separatedBy: "\r\n").filter { !$0.hasPrefix(" ") }
            .map { String($0.prefix { $0 != ":" }) }
        #expect(
            fields == [
                "Date", "From", "To", "Message-ID", "In-Reply-To", "References", "Subject", "Auto-Submitted",
                "MIME-Version",
                "Content-Type", "Content-Transfer-Encoding",
            ])
        #expect(header.utf8.allSatisfy { $0 == 13 || $0 == 10 || (0x20..<0x7F).contains($0) })
    }

    @Test("in a certificate: it has that name, that address, and nothing more", arguments: oddNames)
    func certificate(name: String) throws {
        let identity = try MailIdentity.selfSigned(
            organization: name, address: makeAddress("a=b@x.example"), key: .makeP256(), days: 1, now: testTime)
        let read = try #require(try Certificate.all(in: Array(identity.certificate.pem.utf8)).first)
        #expect(read == identity.certificate)
        #expect(read.addresses == [makeAddress("a=b@x.example")])
        #expect(!read.subject.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
        // With what is escaped left out there is one attribute.
        let bare = read.subject.replacing(/\\./, with: "")
        #expect(bare.hasPrefix("CN=") && !bare.contains(",") && !bare.contains("+"))
        #expect(
            try identity.key.belongs(to: read) && Certificate.all(in: Array(identity.certificate.pem.utf8)).count == 1)
    }

    @Test("in a certificate that somebody else has made: a terminal obeys none of it")
    func foreignCertificate() throws {
        try TemporaryFolder.with { folder in
            try folder.openssl(
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "x.key", "-out", "x.crt", "-utf8", "-subj",
                "/CN=\u{1B}[2Ja\nb/O=x", "-addext", "subjectAltName=email:a@x.example,email:b c@x.example")
            let certificate = try folder.identity("x").certificate
            #expect(
                !certificate.subject.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
            #expect(certificate.addresses == [makeAddress("a@x.example")])
        }
    }
}
