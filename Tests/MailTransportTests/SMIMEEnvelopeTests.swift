import Foundation
import Testing

@testable import MailTransport

@Suite("A sealed mail") struct SMIMEEnvelopeTests {
    let a: Party
    let b: Party

    init() throws {
        a = try Party("a")
        b = try Party("b")
    }

    @Test("gives its payload and its speaker to the one it is for", arguments: [0, 1, 3, 1000, 300_000])
    func roundTrip(bytes: Int) throws {
        for payload in [makeNoise(bytes: bytes), makePayload(bytes: bytes)] {
            let envelope = a.envelope(b.peer())
            let sealed = try envelope.seal(payload, to: b.id)
            #expect(sealed.bytes.count <= envelope.sealedBytesMax(payloadBytes: payload.count))
            let opened = try b.envelope(a.peer()).open(sealed, from: a.address)
            #expect(opened == OpenedBody(speaker: a.id, payload: payload))
        }
    }

    @Test("does not show what is in it")
    func isEncrypted() throws {
        let payload = Array("the quick brown fox jumps over the lazy dog".utf8)
        let sealed = try a.envelope(b.peer()).seal(payload, to: b.id)
        let compressed = try Gzip.compress(payload)
        let text = String(decoding: sealed.bytes, as: UTF8.self)
        #expect(!text.contains("quick") && !text.contains("pkcs7-mime") && !text.contains("interorg@"))
        #expect(Data(sealed.bytes).range(of: Data(compressed[10..<30])) == nil)
    }

    @Test("is encrypted in the way that suits its receiver")
    func ciphers() throws {
        let gcm = "application/pkcs7-mime; smime-type=authEnveloped-data; name=\"smime.p7m\""
        let cbc = "application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\""
        let types = { (cipher: ContentCipher?, said: Set<ContentCipher>?) in
            try a.envelope(b.peer(cipher: cipher)).seal([1], to: b.id, ciphers: said).contentType
        }
        #expect(try types(nil, nil) == gcm)
        #expect(try types(nil, [.aes256GCM, .aes256CBC]) == gcm)
        #expect(try types(nil, [.aes256CBC]) == cbc)
        #expect(try types(nil, []) == cbc)
        #expect(try types(.aes256CBC, nil) == cbc)
        #expect(try types(.aes256GCM, [.aes256CBC]) == gcm)
        for cipher in ContentCipher.allCases {
            let sealed = try a.envelope(b.peer(cipher: cipher)).seal([1, 2], to: b.id)
            #expect(try b.envelope(a.peer()).open(sealed, from: a.address).payload == [1, 2])
        }
    }

    @Test("is opened by whichever key of the receiver, as long as both are trusted")
    func rollover() throws {
        let renewed = try b.renewed()
        let both = b.peer(certificates: [b.identity.certificate, renewed.identity.certificate])
        let sealed = try a.envelope(both).seal([7], to: b.id)
        #expect(try b.envelope(a.peer()).open(sealed, from: a.address).payload == [7])
        #expect(try renewed.envelope(a.peer()).open(sealed, from: a.address).payload == [7])
        for sender in [b, renewed] {
            let answer = try sender.envelope(a.peer()).seal([8], to: a.id)
            #expect(try a.envelope(both).open(answer, from: b.address).speaker == b.id)
        }
    }

    @Test("is not encrypted to a certificate that has expired, as long as there is another one")
    func expiredIsLeftOut() throws {
        let old = try Party("b", days: 1, made: testTime - 10 * 86_400)
        let both = b.peer(certificates: [old.identity.certificate, b.identity.certificate])
        let sealed = try a.envelope(both).seal([7], to: b.id)
        #expect(try refusal { try old.envelope(a.peer()).open(sealed, from: a.address) }?.code == .notForUs)
        #expect(try b.envelope(a.peer()).open(sealed, from: a.address).payload == [7])
    }

    @Test("is not made without a valid certificate of the receiver and of our own")
    func sealingNeedsCertificates() throws {
        let code = { (envelope: SMIMEEnvelope, peer: UUID) in
            try refusal { OpenedBody(speaker: peer, payload: try envelope.seal([1], to: peer).bytes) }
        }
        #expect(try code(a.envelope(b.peer(certificates: [])), b.id)?.code == .invalidCertificate)
        #expect(try code(a.envelope(b.peer()), UUID())?.code == .unknownPeer)
        let later = testTime + 731 * 86_400
        let expired = try #require(try code(a.envelope(b.peer(), now: later), b.id))
        #expect(expired.description.contains("our own certificate has expired on 2028-11-20"))
        let fresh = try Party("a", made: later).envelope(b.peer(), now: later)
        #expect(try code(fresh, b.id)?.description.contains("its certificate has expired") == true)
    }

    @Test("is told from other mail by its content type, also by the older one")
    func contentTypes() throws {
        let envelope = b.envelope(a.peer())
        let sealed = try a.envelope(b.peer()).seal([1], to: b.id)
        for type in ["application/pkcs7-mime", "application/x-pkcs7-mime; smime-type=enveloped-data"] {
            #expect(envelope.acceptedContentTypes.contains(try #require(MediaType(type)?.name)))
            #expect(
                try envelope.open(SealedBody(contentType: type, bytes: sealed.bytes), from: a.address).payload == [1])
        }
    }

    @Test("goes through a mail and comes out again")
    func inAMail() throws {
        let payload = makePayload(bytes: 20_000)
        let sealed = try a.envelope(b.peer()).seal(payload, to: b.id)
        let mail = try MailMessage(
            from: a.address, to: b.address, subject: "InterOrg Sync: a", date: testTime,
            messageID: MessageID("<1@a.example>"), autoSubmitted: .generated, body: sealed)
        let envelope = b.envelope(a.peer())
        let reading = try MailReading(
            mail.encoded(), envelopeSender: a.address, contentTypes: envelope.acceptedContentTypes)
        guard case .exchange(let read) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(try envelope.open(read.body, from: read.from) == OpenedBody(speaker: a.id, payload: payload))
    }
}
