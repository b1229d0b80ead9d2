import Foundation
import Testing

@testable import MailTransport

/// What the machine's own `openssl cms` and we make of each other's mail. Its clock is the machine's.
@Suite("The openssl command") struct OpenSSLCommandTests {
    static let keyKinds = ["EC", "RSA"]
    /// After what the command makes meanwhile.
    let now = Date() + 3_600

    private func parties(_ folder: TemporaryFolder, _ kind: String) throws -> (a: Party, b: Party) {
        let parties = try ["a", "b"].map { name in
            if kind == "EC" {
                let party = try Party(name, made: now)
                try folder.write(party.identity.certificate.pem, to: "\(name).crt")
                try folder.write(party.identity.key.pem(), to: "\(name).key")
                return party
            }
            try folder.openssl(
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(name).key", "-out", "\(name).crt",
                "-days",
                "30", "-subj", "/CN=\(name)", "-addext", "subjectAltName=email:interorg@\(name).example")
            return Party(name, identity: try folder.identity(name))
        }
        return (parties[0], parties[1])
    }

    @Test("opens what we send", arguments: ContentCipher.allCases, keyKinds)
    func opensOurs(cipher: ContentCipher, kind: String) throws {
        try TemporaryFolder.with { folder in
            let (a, b) = try parties(folder, kind)
            let payload = makePayload(bytes: 3_000)
            let sealed = try a.envelope(b.peer(cipher: cipher), now: now).seal(payload, to: b.id)
            let mail = try MailMessage(
                from: a.address, to: b.address, subject: "x", date: now, messageID: MessageID("<1@a.example>"),
                autoSubmitted: .generated, body: sealed)
            try folder.write(mail.encoded(), to: "mail.eml")
            try folder.openssl(
                "cms", "-decrypt", "-in", "mail.eml", "-recip", "b.crt", "-inkey", "b.key", "-out", "signed")
            try folder.openssl("cms", "-verify", "-in", "signed", "-CAfile", "a.crt", "-binary", "-out", "entity")
            let entity = try MIMEPart(folder.read("entity")[...])
            #expect(try Gzip.expand(MIMEEntity.content(of: entity), bytesMax: 100_000) == payload)
            // And not with somebody else's certificate.
            #expect(throws: OpenSSLCommandError.self) {
                try folder.openssl("cms", "-verify", "-in", "signed", "-CAfile", "b.crt", "-binary", "-out", "other")
            }
        }
    }

    @Test("makes what we open", arguments: ContentCipher.allCases, keyKinds)
    func makesWhatWeOpen(cipher: ContentCipher, kind: String) throws {
        try TemporaryFolder.with { folder in
            let (a, b) = try parties(folder, kind)
            let payload = makePayload(bytes: 3_000)
            let entity = MIMEEntity.encode(
                contentType: InsecureEnvelope.contentType, encoding: "base64",
                Base64.encodeLines(try Gzip.compress(payload)))
            try folder.write(entity, to: "entity")
            try folder.openssl(
                "cms", "-sign", "-in", "entity", "-nodetach", "-signer", "a.crt", "-inkey", "a.key", "-out", "signed")
            try folder.openssl(
                "cms", "-encrypt", "-in", "signed", "-\(cipher.rawValue)", "-from", "interorg@a.example", "-to",
                "interorg@b.example", "-subject", "x", "-out", "mail.eml", "b.crt")
            let envelope = b.envelope(a.peer(), now: now)
            let reading = try MailReading(
                folder.read("mail.eml"), envelopeSender: a.address, contentTypes: envelope.acceptedContentTypes)
            guard case .exchange(let mail) = reading else { throw UnexpectedReading(reading: reading) }
            #expect(try envelope.open(mail.body, from: mail.from) == OpenedBody(speaker: a.id, payload: payload))
        }
    }

    @Test("makes keys that we read, and has the same fingerprint for them")
    func keys() throws {
        try TemporaryFolder.with { folder in
            let (a, _) = try parties(folder, "RSA")
            try folder.openssl(
                "x509", "-in", "a.crt", "-noout", "-fingerprint", "-sha256", "-out", "fingerprint")
            let said = String(decoding: try folder.read("fingerprint"), as: UTF8.self).split(separator: "=")[1]
            #expect(CertificateFingerprint.areEqual(String(said), a.identity.certificate.fingerprint))
            try folder.openssl("x509", "-in", "a.crt", "-outform", "DER", "-out", "a.der")
            #expect(try Certificate.all(in: folder.read("a.der")) == [a.identity.certificate])

            try folder.openssl("pkey", "-in", "a.key", "-aes256", "-passout", "pass:x", "-out", "protected.key")
            let error = #expect(throws: EnvelopeError.self) { try PrivateKey(pem: folder.read("protected.key")) }
            #expect(error?.description.contains("passphrase") == true)
        }
    }

    @Test("opens a CBC mail of an RSA peer of the year 2010 in the other direction too")
    func oldRSAPadding() throws {
        try TemporaryFolder.with { folder in
            let (a, b) = try parties(folder, "RSA")
            let entity = MIMEEntity.encode(
                contentType: InsecureEnvelope.contentType, encoding: "base64",
                Base64.encodeLines(try Gzip.compress([1, 2, 3])))
            try folder.write(entity, to: "entity")
            try folder.openssl(
                "cms", "-sign", "-in", "entity", "-nodetach", "-signer", "a.crt", "-inkey", "a.key", "-out", "signed")
            try folder.openssl(
                "cms", "-encrypt", "-in", "signed", "-aes-256-cbc", "-outform", "DER", "-out", "mail.der", "-recip",
                "b.crt", "-keyopt", "rsa_padding_mode:pkcs1")
            let body = SealedBody(contentType: "application/pkcs7-mime", bytes: try folder.read("mail.der"))
            #expect(try b.envelope(a.peer(), now: now).open(body, from: a.address).payload == [1, 2, 3])
        }
    }
}
