import Testing

@testable import MailTransport

@Suite struct EnvelopeTests {
    @Test(arguments: [0, 1, 2, 3, 1000, 300_000])
    func aPayloadComesBackAsItWas(bytes: Int) throws {
        for payload in [makeNoise(bytes: bytes), makePayload(bytes: bytes)] {
            let sealed = try envelope.seal(payload, to: masterID)
            #expect(try envelope.open(sealed, from: branch) == OpenedBody(speaker: branchID, payload: payload))
            #expect(sealed.bytes.count <= envelope.sealedBytesMax(payloadBytes: payload.count))
        }
    }

    @Test func aPayloadOfExactlyTheLimitIsOpened() throws {
        let payload = makePayload(bytes: 100_000)
        let sealed = try envelope.seal(payload, to: masterID)
        let exact = InsecureEnvelope(payloadBytesMax: payload.count, peers: peers)
        #expect(try exact.open(sealed, from: branch) == OpenedBody(speaker: branchID, payload: payload))
        #expect(
            try code {
                try InsecureEnvelope(payloadBytesMax: payload.count - 1, peers: peers).open(sealed, from: branch)
            }
                == .tooLarge)
    }

    @Test func aBombIsRefused() throws {
        let bomb = try envelope.seal([UInt8](repeating: 0, count: 50_000_000), to: masterID)
        #expect(bomb.bytes.count < 100_000)
        let careful = InsecureEnvelope(payloadBytesMax: 1_000_000, peers: peers)
        #expect {
            try careful.open(bomb, from: branch)
        } throws: { error in
            "\(error)".contains("more than the limit of 1000000 bytes") && "\(error)".contains(branch.text)
        }
    }

    @Test func damageAndTruncationAreToldApart() throws {
        let sealed = try envelope.seal(makePayload(bytes: 100_000), to: masterID)
        let cut = SealedBody(contentType: sealed.contentType, bytes: Array(sealed.bytes.dropLast(9)))
        #expect(try code { try envelope.open(cut, from: branch) } == .truncated)
        let empty = SealedBody(contentType: sealed.contentType, bytes: [])
        #expect(try code { try envelope.open(empty, from: branch) } == .truncated)

        var bytes = sealed.bytes
        bytes[bytes.count / 2] ^= 0x55
        let changed = SealedBody(contentType: sealed.contentType, bytes: bytes)
        #expect(try code { try envelope.open(changed, from: branch) } == .damaged)

        let longer = SealedBody(contentType: sealed.contentType, bytes: sealed.bytes + [1, 2, 3])
        #expect(try code { try envelope.open(longer, from: branch) } == .damaged)
        let text = SealedBody(contentType: sealed.contentType, bytes: Array("hello, world".utf8))
        #expect(try code { try envelope.open(text, from: branch) } == .damaged)
    }

    @Test func anotherContentTypeIsNotOpened() throws {
        let other = SealedBody(contentType: "application/pkcs7-mime; smime-type=signed-data", bytes: [])
        #expect(try code { try envelope.open(other, from: branch) } == .unsupportedContentType)
    }

    @Test func theAddressSaysWhoIsSpeaking() throws {
        let sealed = try envelope.seal([1], to: branchID)
        #expect(try envelope.open(sealed, from: master).speaker == masterID)
        #expect(try code { try envelope.open(sealed, from: makeAddress("x@stranger.example")) } == .unknownPeer)
    }

    private func code(_ body: () throws -> OpenedBody) throws -> EnvelopeError.Code? {
        do {
            _ = try body()
            return nil
        } catch let error as EnvelopeError {
            return error.code
        }
    }
}
