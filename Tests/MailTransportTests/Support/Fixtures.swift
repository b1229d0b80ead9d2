import Foundation

@testable import MailTransport

/// A generator whose numbers are the same in every run.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

let branch = makeAddress("interorg@branch.example")
let master = makeAddress("interorg@master.example")
let branchID = UUID(uuidString: "00000000-0000-4000-8000-00000000000B")!
let masterID = UUID(uuidString: "00000000-0000-4000-8000-00000000000A")!
let peers = [EnvelopePeer(id: branchID, address: branch), EnvelopePeer(id: masterID, address: master)]
let envelope = InsecureEnvelope(payloadBytesMax: 64 * 1024 * 1024, peers: peers)

func makeAddress(_ text: String) -> MailAddress {
    try! MailAddress(text)
}

/// Lines of NDJSON, at least `bytes` bytes of them, with values that do not compress to nothing.
func makePayload(bytes: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix64(state: seed)
    var payload: [UInt8] = []
    payload.reserveCapacity(bytes + 200)
    while payload.count < bytes {
        let line = """
            {"upsert":{"id":"\(String(random.next(), radix: 16))","sn":"Müller","telephoneNumber":"+49 \(random.next())"}}\n
            """
        payload.append(contentsOf: line.utf8)
    }
    return payload
}

/// Bytes that cannot be compressed.
func makeNoise(bytes: Int, seed: UInt64 = 7) -> [UInt8] {
    var random = SplitMix64(state: seed)
    return (0..<bytes).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

func makeMessage(body: SealedBody, subject: String = "InterOrg Sync request 17 of branch-a") throws -> MailMessage {
    try MailMessage(
        from: branch,
        to: master,
        subject: subject,
        date: Date(timeIntervalSince1970: 1_795_226_707),
        messageID: MessageID("<request.17@branch.example>"),
        inReplyTo: MessageID("<reply.16@master.example>"),
        autoSubmitted: .generated,
        body: body
    )
}

func makeMail(payload: [UInt8]) throws -> [UInt8] {
    try makeMessage(body: envelope.seal(payload, to: masterID)).encoded()
}

/// The payload of a mail that must be one of the exchange.
func payload(of mail: [UInt8]) throws -> [UInt8] {
    let reading = try MailReading(mail, envelopeSender: branch, contentTypes: envelope.acceptedContentTypes)
    guard case .exchange(let exchange) = reading else { throw UnexpectedReading(reading: reading) }
    return try envelope.open(exchange.body, from: exchange.from).payload
}

struct UnexpectedReading: Error {
    let reading: MailReading
}

/// Splits a mail of ours at its empty line.
func split(_ mail: [UInt8]) -> (header: String, body: String) {
    let text = String(decoding: mail, as: UTF8.self)
    let parts = text.components(separatedBy: "\r\n\r\n")
    return (parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
}
