import AddressBook
import Foundation
import Testing

@testable import InterOrgProtocol

@Suite("Messages as NDJSON")
struct CodecTests {
    static let container = Entry(
        id: EntryID(organization: Party.branch.id, uuid: uuid(10)), kind: .container, name: "Zürich")
    static let person = Entry(
        id: EntryID(organization: Party.branch.id, uuid: uuid(11)), kind: .person, parent: uuid(10), name: "zoe",
        fields: [
            .street: ["Way 1\nFlat 2"], .title: [Value([0xFF, 0x0A])],
            Field(rawValue: "pager"): ["\u{5D0}", "u\u{308}"],
        ])
    static let hierarchy = [NumberedChange(number: 13, change: .upsert(container))]
    static let contents = [
        NumberedChange(number: 14, change: .upsert(person)),
        NumberedChange(number: 15, change: .delete(EntryID(organization: Party.branch.id, uuid: uuid(12)))),
    ]
    static let header = ExchangeHeader.made(
        .request, .number(1), have: PerStream(hierarchy: received(3).hierarchy, contents: nil),
        ranges: PerStream(
            hierarchy: ChangeRange(after: 12, through: 20, count: 1),
            contents: ChangeRange(
                after: 12, through: 20, count: 2, generation: uuid(40), needsHierarchy: 13,
                end: ChangeRange.End(SetSummary([person.id])))))

    static func message() throws -> [UInt8] {
        try EncodedMessage.encode(
            header,
            lines: PerStream(
                hierarchy: hierarchy.map(\.line), contents: contents.map(\.line)))
    }

    /// A message of these lines, with a trailer that fits unless it is told otherwise.
    static func sealed(_ lines: [String], count: Int? = nil, digest: String? = nil) -> [UInt8] {
        let body = Array(lines.map { $0 + "\n" }.joined().utf8)
        let digest = digest ?? EncodedMessage.digest(of: body[...])
        return body + Array(#"{"count":\#(count ?? lines.count - 1),"digest":"\#(digest)"}"#.utf8) + [0x0A]
    }

    static func lines() throws -> [String] {
        String(decoding: try message(), as: UTF8.self).split(separator: "\n").dropLast().map(String.init)
    }

    private func expectSame(_ received: ReceivedMessage) throws {
        #expect(received.header == Self.header)
        #expect(received.count(.hierarchy) == 1 && received.count(.contents) == 2)
        #expect(try received.changes(.hierarchy, 0..<1) == Self.hierarchy)
        #expect(try received.changes(.contents, 0..<2) == Self.contents)
    }

    @Test("a message says after the journey what it said before")
    func roundTrip() throws {
        let received = try ReceivedMessage(Self.message())
        try expectSame(received)
        #expect(try received.changes(.contents, 1..<2) == [Self.contents[1]])
    }

    @Test("a message without changes stands alone")
    func empty() throws {
        let header = ExchangeHeader.made(.reply, .number(1))
        let bytes = try EncodedMessage.encode(header, lines: PerStream(hierarchy: [], contents: []))
        let received = try ReceivedMessage(bytes)
        #expect(received.header == header)
        #expect(received.count(.hierarchy) == 0 && received.count(.contents) == 0)
    }

    @Test("every line is one of JSON, and the counts in the header are those of the lines")
    func lines() throws {
        var wrong = Self.header
        wrong.ranges.contents?.count = 77
        let bytes = try EncodedMessage.encode(
            wrong,
            lines: PerStream(
                hierarchy: Self.hierarchy.map(\.line), contents: Self.contents.map(\.line)))
        #expect(bytes == (try Self.message()))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 6 && lines.last == "")
        for line in lines.dropLast() { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }

    @Test("a message that is cut anywhere is refused, except for the last line feed")
    func truncated() throws {
        let bytes = try Self.message()
        for count in 0..<bytes.count - 1 {
            #expect(throws: MessageError.self, "\(count) of \(bytes.count) bytes") {
                try ReceivedMessage(Array(bytes.prefix(count)))
            }
        }
        try expectSame(ReceivedMessage(Array(bytes.dropLast())))
    }

    @Test("a message with one bit flipped is refused or says the same")
    func flippedBit() throws {
        let bytes = try Self.message()
        var refused = 0
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << bit
                guard let received = try? ReceivedMessage(damaged) else {
                    refused += 1
                    continue
                }
                try #require(received.header == Self.header, "bit \(bit) of byte \(index)")
                try expectSame(received)
            }
        }
        #expect(refused > bytes.count * 8 - 16)
    }

    @Test("a message with a line more, less, doubled or in another place is refused")
    func movedLines() throws {
        let bytes = try Self.message()
        let lines = bytes.split(separator: 0x0A)
        let arrangements = [[0, 1, 2, 4], [0, 1, 2, 2, 3, 4], [0, 2, 1, 3, 4], [1, 2, 3, 4], [4], [0, 4], []]
        for arrangement in arrangements {
            #expect(throws: MessageError.self, "\(arrangement)") {
                try ReceivedMessage(arrangement.flatMap { lines[$0] + [0x0A] })
            }
        }
    }

    @Test("counts that do not fit the lines are refused")
    func wrongCounts() throws {
        let lines = try Self.lines()
        #expect(throws: Never.self) { try ReceivedMessage(Self.sealed(lines)) }
        #expect(throws: MessageError.self) { try ReceivedMessage(Self.sealed(lines, count: 4)) }
        for (right, wrong) in [
            (#""count":1"#, #""count":2"#), (#""count":1"#, #""count":-1"#), (#""count":2"#, #""count":1"#),
        ] {
            let header = lines[0].replacingOccurrences(of: right + ",", with: wrong + ",")
            try #require(header != lines[0])
            #expect(throws: MessageError.self, "\(wrong)") {
                try ReceivedMessage(Self.sealed([header] + lines.dropFirst()))
            }
        }
    }

    @Test("a version of the format that is not ours is named")
    func version() throws {
        var lines = try Self.lines()
        lines[0] = #"{"interorg":2,"something":"new"}"#
        #expect(throws: MessageError.unknownVersion(2)) { try ReceivedMessage(Self.sealed(lines)) }
    }

    @Test("fields that this version does not know are no reason to refuse")
    func unknownFields() throws {
        let lines = try Self.lines().map { "{\"future\":{\"x\":[1]}," + $0.dropFirst() }
        try expectSame(ReceivedMessage(Self.sealed(lines)))
    }

    @Test("a header or a change that cannot be read is refused, and says which")
    func unreadable() throws {
        var lines = try Self.lines()
        lines[3] = #"{"number":15}"#
        let received = try ReceivedMessage(Self.sealed(lines))
        #expect(throws: MessageError.self) { try received.changes(.contents, 0..<2) }
        #expect(try received.changes(.contents, 0..<1) == [Self.contents[0]])
        lines[0] = #"{"interorg":1}"#
        #expect(throws: MessageError.self) { try ReceivedMessage(Self.sealed(lines)) }
        lines[0] = "no JSON"
        #expect(throws: MessageError.self) { try ReceivedMessage(Self.sealed(lines)) }
    }

    @Test("a digest that is not of the bytes before it is refused")
    func wrongDigest() throws {
        let lines = try Self.lines()
        let other = EncodedMessage.digest(of: [1, 2, 3])
        #expect(throws: MessageError.damaged("its digest does not match its content")) {
            try ReceivedMessage(Self.sealed(lines, digest: other))
        }
    }
}
