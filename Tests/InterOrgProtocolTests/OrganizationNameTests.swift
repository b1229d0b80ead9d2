import Foundation
import Testing

@testable import InterOrgProtocol

@Suite("Names of organizations")
struct OrganizationNameTests {
    static let bad = [
        "", "a\u{1B}[2Jb", "a\nb", "a/b", "..", "a\\b", " a", "a ", "a\u{2028}b", "a\u{0}",
        String(repeating: "a", count: 65),
    ]
    static let good = ["a", "Büro Süd, Ltd. + Co \"x\"", "=?utf-8?Q?a?=", String(repeating: "ü", count: 64)]

    @Test("that none may have are refused with the message", arguments: bad)
    func refused(name: String) throws {
        #expect(OrganizationName.objection(to: name) != nil)
        #expect(throws: MessageError.self) { try read(name, in: "from") }
        #expect(throws: MessageError.self) { try read(name, in: "organizations") }
    }

    @Test("may have every other character", arguments: good)
    func allowed(name: String) throws {
        #expect(OrganizationName.objection(to: name) == nil)
        #expect(try read(name, in: "from").header.from.name == name)
        #expect(try read(name, in: "organizations").header.organizations.map(\.name) == [name])
    }

    /// The message of the codec's tests, in whose header an organization has another name.
    private func read(_ name: String, in member: String) throws -> ReceivedMessage {
        var lines = try CodecTests.lines()
        var header = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        var organization = try #require(header["from"] as? [String: Any])
        organization["name"] = name
        header[member] = member == "from" ? organization : [organization]
        lines[0] = String(decoding: try JSONSerialization.data(withJSONObject: header), as: UTF8.self)
        return try ReceivedMessage(CodecTests.sealed(lines))
    }
}
