import AddressBook
import ArgumentParser
import Foundation
import InterOrgProtocol
import MailTransport

/// How fast payloads are sealed (compressed, signed, encrypted) and opened again, on one core: MB of payload a second,
/// medians. Flat JSON on standard output.
@main
struct SealingSpeed: ParsableCommand {
    @Option(help: "How large a payload is, in bytes.")
    var payloadBytes = 2_000_000

    @Option(help: "A file to take the payload from, instead of making one.")
    var payload: String?

    @Option(help: "How often each is measured.")
    var rounds = 15

    func run() throws {
        let now = Date()
        let parties = try ["a", "b"].map { try Party($0, now: now) }
        let (a, b) = (parties[0], parties[1])
        let payload =
            try payload.map { Array(try Data(contentsOf: URL(filePath: $0))) } ?? Payload.lines(bytes: payloadBytes)
        var figures: [String: Double] = ["seal.payload_mb": Double(payload.count) / 1e6]
        for cipher in ContentCipher.allCases {
            let sender = a.envelope(to: b, cipher: cipher, now: now)
            let receiver = b.envelope(to: a, cipher: cipher, now: now)
            var (sealing, opening): ([Double], [Double]) = ([], [])
            var sealed = SealedBody(contentType: "", bytes: [])
            for _ in 0..<rounds {
                sealing.append(try Self.seconds { sealed = try sender.seal(payload, to: b.id) })
                opening.append(
                    try Self.seconds {
                        guard try receiver.open(sealed, from: a.address).payload.count == payload.count else {
                            throw CleanExit.message("the payload has changed")
                        }
                    })
            }
            let names = cipher == .aes256GCM ? ("seal", "open") : ("seal.cbc", "open.cbc")
            figures["\(names.0).mb_per_s"] = Self.rate(payload.count, sealing)
            figures["\(names.1).mb_per_s"] = Self.rate(payload.count, opening)
            figures["seal.ratio"] = Double(sealed.bytes.count) / Double(payload.count)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(figures), as: UTF8.self))
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return start.duration(to: .now) / .seconds(1)
    }

    private static func rate(_ bytes: Int, _ seconds: [Double]) -> Double {
        (Double(bytes) / 1e6 / seconds.sorted()[seconds.count / 2]).rounded()
    }
}

private struct Party {
    let id = UUID()
    let address: MailAddress
    let identity: MailIdentity

    init(_ name: String, now: Date) throws {
        address = try MailAddress("interorg@\(name).example")
        identity = try .selfSigned(organization: name, address: address, key: .makeP256(), days: 30, now: now)
    }

    func envelope(to peer: Party, cipher: ContentCipher, now: Date) -> SMIMEEnvelope {
        SMIMEEnvelope(
            id: id, identity: identity,
            peers: [
                EnvelopePeer(
                    id: peer.id, address: peer.address, certificates: [peer.identity.certificate], cipher: cipher)
            ], payloadBytesMax: 100_000_000, now: { now })
    }
}

/// Changes as organizations have them: names, places and numbers that repeat, IDs that do not.
private enum Payload {
    private static let given = ["Anna", "Émilie", "Grace", "Jürgen", "Sofía", "Wei", "Олег", "דוד", "Aylin", "Tomasz"]
    private static let last = ["Müller", "Lovelace", "Kowalski", "Иванов", "Şahin", "O'Neil", "מזרחי", "García", "Li"]
    private static let titles = ["Engineer", "Head of Sales", "Assistant", "Buchhalterin", "Directeur", "Analyst"]
    private static let cities = ["Berlin", "Paris", "Kraków", "İstanbul", "חיפה", "Madrid", "Leeds"]

    static func lines(bytes: Int) -> [UInt8] {
        var payload: [UInt8] = []
        let organization = OrganizationID(derivedFromName: "branch-a")
        let containers = (0..<40).map { _ in UUID() }
        var number: Int64 = 0
        while payload.count < bytes {
            number += 1
            let index = Int.random(in: 0..<1_000_000)
            let names = (given[index % given.count], last[index / 7 % last.count])
            let alias = "\(names.0).\(names.1).\(index % 900)".lowercased()
            let entry = Entry(
                id: EntryID(organization: organization, uuid: UUID()), kind: .person, parent: containers[index % 40],
                name: Value(alias),
                fields: [
                    .givenName: [Value(names.0)], .sn: [Value(names.1)], .displayName: [Value("\(names.0) \(names.1)")],
                    .alias: [Value(alias)], .title: [Value(titles[index % titles.count])],
                    .l: [Value(cities[index % cities.count])], .company: ["branch-a"],
                    .postalCode: [Value("\(10_000 + index % 80_000)")],
                    .physicalDeliveryOfficeName: [Value("E-\(index % 9).\(index % 97)")],
                    .telephoneNumber: [Value("+49 30 \(1_000_000 + index)")], .mail: [Value("\(alias)@a.example")],
                ])
            payload += NumberedChange(number: number, change: .upsert(entry)).line + [0x0A]
        }
        return payload
    }
}
