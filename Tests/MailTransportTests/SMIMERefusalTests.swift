import COpenSSL
import Foundation
import Testing

@testable import MailTransport

@Suite("A sealed mail is refused, with its reason,") struct SMIMERefusalTests {
    let a: Party
    let b: Party
    let stranger: Party

    init() throws {
        a = try Party("a")
        b = try Party("b")
        stranger = try Party("stranger")
    }

    private func opened(_ bytes: [UInt8], now: Date = testTime) throws -> EnvelopeError? {
        let body = SealedBody(contentType: "application/pkcs7-mime", bytes: bytes)
        return try refusal { try b.envelope(a.peer(), now: now).open(body, from: a.address) }
    }

    private func entity(_ payload: [UInt8] = [1], recipient: UUID? = nil) throws -> [UInt8] {
        let parameter = recipient.map { "; recipient=\($0.uuidString)" } ?? ""
        return MIMEEntity.encode(
            contentType: InsecureEnvelope.contentType + parameter, encoding: "binary", try Gzip.compress(payload))
    }

    private func encrypted(_ bytes: [UInt8], smimeType: String = "signed-data") throws -> [UInt8] {
        let entity = MIMEEntity.encode(
            contentType: "application/pkcs7-mime; smime-type=\(smimeType)", encoding: "binary", bytes)
        return try CMSContent.encrypted(entity, to: [b.identity.certificate], with: .aes256GCM)
    }

    @Test("if it is signed by nobody that is trusted, whatever its From says")
    func unknownCertificate() throws {
        let sealed = try stranger.envelope(b.peer()).seal([1], to: b.id)
        let error = try #require(try opened(sealed.bytes))
        #expect(error.code == .unknownPeer)
        #expect(error.description.contains(stranger.identity.certificate.fingerprint))
        #expect(error.description.contains("interorg keys trust"))
    }

    @Test("if a certificate that only looks like the trusted one has signed it")
    func lookAlike() throws {
        // The same subject, issuer and address, another key.
        let copy = try Party("a")
        let sealed = try copy.envelope(b.peer()).seal([1], to: b.id)
        #expect(try opened(sealed.bytes)?.code == .unknownPeer)
    }

    @Test("if it names the trusted certificate as signer and another key has signed it")
    func forgedSigner() throws {
        // The signer is named by issuer and serial number; the certificate is a copy of the real one with another key.
        let forged = try TemporaryFolder.with { folder in
            try folder.write(stranger.identity.key.pem(), to: "s.key")
            let serial = String(
                cString: BN_bn2dec(ASN1_INTEGER_to_BN(X509_get_serialNumber(a.identity.certificate.x509), nil)))
            try folder.openssl(
                "req", "-x509", "-key", "s.key", "-subj", "/CN=a", "-set_serial", serial, "-days", "700", "-out",
                "s.crt")
            return try folder.identity("s")
        }
        let cms = try CMSContent.signed(entity(recipient: b.id), by: forged, now: testTime)
        let error = try #require(try opened(encrypted(cms)))
        #expect(error.code == .badSignature, "\(error)")
    }

    @Test("if another peer's key has signed it: then that one is the speaker")
    func anotherPeer() throws {
        let sealed = try stranger.envelope(b.peer()).seal([1], to: b.id)
        let opened = try b.envelope(a.peer(), stranger.peer()).open(sealed, from: a.address)
        #expect(opened.speaker == stranger.id)
    }

    @Test("if it is encrypted to others only")
    func notForUs() throws {
        let sealed = try a.envelope(stranger.peer()).seal([1], to: stranger.id)
        let error = try #require(try opened(sealed.bytes))
        #expect(error.code == .notForUs)
        #expect(error.description.contains(b.identity.certificate.fingerprint))
    }

    @Test("if it was signed for another organization, which has passed it on")
    func passedOn() throws {
        let sealed = try a.envelope(stranger.peer()).seal([1], to: stranger.id)
        let decrypted = try CMSContent(sealed.bytes[...]).decrypted(by: stranger.identity)
        let again = try CMSContent.encrypted(decrypted, to: [b.identity.certificate], with: .aes256GCM)
        let error = try #require(try opened(again))
        #expect(error.code == .notForUs)
        #expect(error.description.contains("signed for another organization"))
    }

    @Test("if it is not encrypted")
    func notEncrypted() throws {
        let cms = try CMSContent.signed(entity(), by: a.identity, now: testTime)
        #expect(try opened(cms)?.code == .unprotected)
        let plain = SealedBody(contentType: InsecureEnvelope.contentType, bytes: try Gzip.compress([1]))
        let error = try refusal { try b.envelope(a.peer()).open(plain, from: a.address) }
        #expect(error?.code == .unprotected)
        #expect(error?.description.contains("neither signed nor encrypted") == true)
    }

    @Test("if it is not signed")
    func notSigned() throws {
        let error = try opened(CMSContent.encrypted(entity(), to: [b.identity.certificate], with: .aes256GCM))
        #expect(error?.code == .unprotected)
        #expect(error?.description.contains("not signed") == true)
        // Encrypted twice.
        let twice = try encrypted(encrypted(entity()), smimeType: "enveloped-data")
        #expect(try opened(twice)?.code == .unprotected)
    }

    @Test("if nobody or two have signed it")
    func signers() throws {
        let both = try TemporaryFolder.with { folder in
            try folder.write(entity(), to: "entity")
            for (party, name) in [(a, "a"), (stranger, "s")] {
                try folder.write(party.identity.certificate.pem, to: "\(name).crt")
                try folder.write(party.identity.key.pem(), to: "\(name).key")
            }
            try folder.openssl(
                "cms", "-sign", "-binary", "-nodetach", "-in", "entity", "-outform", "DER", "-out", "two.der",
                "-signer",
                "a.crt", "-inkey", "a.key", "-signer", "s.crt", "-inkey", "s.key")
            return try folder.read("two.der")
        }
        let two = try #require(try opened(encrypted(both)))
        #expect(two.code == .unprotected)
        #expect(two.description.contains("2 signatures"))

        // SignedData that carries certificates and nothing else.
        let none = try TemporaryFolder.with { folder in
            try folder.write(a.identity.certificate.pem, to: "a.crt")
            try folder.openssl("crl2pkcs7", "-nocrl", "-certfile", "a.crt", "-outform", "DER", "-out", "none.der")
            return try folder.read("none.der")
        }
        #expect(try opened(encrypted(none))?.code == .unprotected)
    }

    @Test("if it is signed with a digest that can be forged")
    func weakDigest() throws {
        let weak = try TemporaryFolder.with { folder in
            try folder.write(entity(), to: "entity")
            try folder.write(a.identity.certificate.pem, to: "a.crt")
            try folder.write(a.identity.key.pem(), to: "a.key")
            try folder.openssl(
                "cms", "-sign", "-binary", "-nodetach", "-md", "sha1", "-in", "entity", "-outform", "DER", "-out",
                "weak.der", "-signer", "a.crt", "-inkey", "a.key")
            return try folder.read("weak.der")
        }
        #expect(try opened(encrypted(weak))?.code == .badSignature)
    }

    @Test("if its signer's certificate has expired or is not valid yet")
    func outsideItsTime() throws {
        let sealed = try a.envelope(b.peer()).seal([1], to: b.id)
        #expect(try opened(sealed.bytes, now: testTime + 730 * 86_400) == nil)
        let late = try #require(try opened(sealed.bytes, now: testTime + 730 * 86_400 + 1))
        #expect(late.code == .invalidCertificate)
        #expect(late.description.contains("has expired on 2028-11-20"))
        // A day earlier than it was made, for clocks that are behind.
        #expect(try opened(sealed.bytes, now: testTime - 86_400) == nil)
        let early = try #require(try opened(sealed.bytes, now: testTime - 86_401))
        #expect(early.code == .invalidCertificate)
        #expect(early.description.contains("is not valid before"))
    }

    @Test("if it expands to more than the limit")
    func bomb() throws {
        let sealed = try a.envelope(b.peer()).seal([UInt8](repeating: 0, count: 50_000_000), to: b.id)
        #expect(sealed.bytes.count < 300_000)
        let careful = b.envelope(a.peer(), payloadBytesMax: 1_000_000)
        let error = try refusal { try careful.open(sealed, from: a.address) }
        #expect(error?.code == .tooLarge)
    }

    @Test("if it is cut off, or something follows it")
    func cutOff() throws {
        let bytes = try a.envelope(b.peer()).seal([1], to: b.id).bytes
        for count in [0, 1, 2, 20, bytes.count / 2, bytes.count - 1] {
            #expect(try opened(Array(bytes.prefix(count))) != nil, "\(count) bytes")
        }
        #expect(try opened(bytes + [0]) != nil)
        #expect(try opened(Array("no S/MIME at all".utf8))?.code == .damaged)
    }

    @Test(
        "wherever a bit of it is flipped, or it says what it said before", arguments: ContentCipher.allCases)
    func bitFlips(cipher: ContentCipher) throws {
        let payload = Array("{\"interorg\":1}\n".utf8)
        let bytes = try a.envelope(b.peer(cipher: cipher)).seal(payload, to: b.id).bytes
        let envelope = b.envelope(a.peer())
        var refusals = 0
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1 << UInt8(position % 8)
            let body = SealedBody(contentType: cipher.contentType, bytes: changed)
            do {
                let opened = try envelope.open(body, from: a.address)
                #expect(
                    opened == OpenedBody(speaker: a.id, payload: payload), "bit \(position % 8) of byte \(position)")
            } catch is EnvelopeError {
                refusals += 1
            }
        }
        // What remains is what the receiver does not need: which algorithm a recipient's key is for, and the like.
        #expect(refusals > bytes.count * 9 / 10, "\(refusals) of \(bytes.count)")
    }

    @Test("wherever a bit of the mail as it is delivered is flipped, or it says what it said before")
    func mailBitFlips() throws {
        let payload = Array("{\"interorg\":1}\n".utf8)
        let bytes = try makeMessage(body: a.envelope(b.peer()).seal(payload, to: b.id)).encoded()
        let envelope = b.envelope(a.peer())
        var refusals = 0
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1 << UInt8(position % 8)
            do {
                let reading = try MailReading(
                    changed, envelopeSender: a.address, contentTypes: envelope.acceptedContentTypes)
                guard case .exchange(let mail) = reading else {
                    refusals += 1
                    continue
                }
                let opened = try envelope.open(mail.body, from: a.address)
                #expect(
                    opened == OpenedBody(speaker: a.id, payload: payload), "bit \(position % 8) of byte \(position)")
            } catch {
                refusals += 1
            }
        }
        // What remains is in header fields that nothing depends on, and line ends.
        #expect(refusals > bytes.count / 2, "\(refusals) of \(bytes.count)")
    }

    @Test("wherever a bit of what is signed and not encrypted is flipped", .timeLimit(.minutes(10)))
    func signedBitFlips() throws {
        let payload = Array("{\"interorg\":1}\n".utf8)
        let signed = try CMSContent.signed(entity(payload, recipient: b.id), by: a.identity, now: testTime)
        let envelope = b.envelope(a.peer())
        for position in signed.indices {
            var changed = signed
            changed[position] ^= 1 << UInt8(position % 8)
            let body = SealedBody(contentType: "application/pkcs7-mime", bytes: try encrypted(changed))
            if let opened = try? envelope.open(body, from: a.address) {
                #expect(
                    opened == OpenedBody(speaker: a.id, payload: payload), "bit \(position % 8) of byte \(position)")
            }
        }
    }
}
