import AddressBook
import Foundation
import TestSupport
import Testing

@testable import InterOrgProtocol

@Suite("Fuzzed messages") struct MessageFuzzTests {
    private static let words = [
        "\n", "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "null", "true", "-1", "1e400",
        "9223372036854775807", "9223372036854775808", "\"base64\":", "\"number\":", "\"upsert\":", "\"delete\":",
        "\"fields\":",
        "\"id\":", "\"organization\":", "\"uuid\":", "\"kind\":", "\"members\":", "\"name\":", "\"parent\":",
        "\"ranges\":",
        "\"count\":", "\"after\":", "\"through\":", "\u{0}", "é", "[[[[[[[[", "{\"a\":{\"a\":{\"a\":",
    ]

    @Test("are refused or read, with a trailer that fits and without")
    func messages() throws {
        let message = try CodecTests.message()
        let withoutTrailer = Array(try CodecTests.lines().map { $0 + "\n" }.joined().utf8)
        let samples = [message, withoutTrailer]
        try Fuzzing("messages", samples: samples, dictionary: Self.words).run(share: 15) { input in
            try read(input)
            // What a hostile organization would do: change it, and then make the digest anew.
            let lines = String(decoding: input, as: UTF8.self).split(separator: "\n").map(String.init)
            guard !lines.isEmpty else { return }
            try read(CodecTests.sealed(lines))
        }
    }

    private func read(_ input: [UInt8]) throws {
        guard let message = try? ReceivedMessage(input) else { return }
        for stream in ChangeStream.allCases {
            for change in try message.changes(stream, 0..<message.count(stream)) {
                guard try NumberedChange(line: change.line) == change else {
                    throw TestSupportError("change \(change.number) is another one after it was written and read")
                }
            }
        }
    }
}
