import AddressBook
import Foundation
import Testing

@Suite("JSON")
struct JSONTests {
    @Test(
        "a text is read as what it says",
        arguments: [
            ("null", .null), (" true ", .bool(true)), ("false", .bool(false)), ("-12.5e3", .number("-12.5e3")),
            ("\"\"", .string([])), ("[]", .array([])), ("{}", .object([:])),
            ("\t[ 1 ,\r\n\"x\" , [ ] ]", .array([.number("1"), .string([0x78]), .array([])])),
            (
                #"{ "a" : { "b" : [ null ] } , "" : 0 }"#,
                .object(["a": .object(["b": .array([.null])]), "": .number("0")])
            ),
            (#""\"\\\/\b\f\n\r\t""#, .string(Array("\"\\/\u{8}\u{C}\n\r\t".utf8))),
            (#""\u0041\u00fC\u0000""#, .string(Array("A\u{FC}\0".utf8))),
            (#""\ud83e\udd8A""#, .string(Array("\u{1F98A}".utf8))),
            ("\"u\u{308}\u{FC}\"", .string(Array("u\u{308}\u{FC}".utf8))),
            (#""after \n the \n escapes""#, .string(Array("after \n the \n escapes".utf8))),
        ] as [(String, JSON)])
    func reading(text: String, expected: JSON) throws {
        #expect(try JSON(parsing: text.utf8) == expected)
    }

    @Test(
        "what is no JSON is refused",
        arguments: [
            "", " ", "nul", "truth", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "]", "{", "{}}", "{\"a\"}", "{\"a\":}",
            "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":2}", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u+041\"",
            "\"\\u-000\"", "\"\\ud83e\"", "\"\\ud83ex\"", "\"\\ud83e\\u0041\"", "\"\\udd8a\"", "\"a\nb\"", "\"\0\"",
            "-", "1 2",
            "--1", "'a'", "\u{FEFF}1",
        ])
    func refusing(text: String) {
        #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: text.utf8) }
    }

    @Test("what is not UTF-8 is refused")
    func notUTF8() {
        #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22] as [UInt8]) }
    }

    @Test("a text that is nested without end is refused")
    func depth() throws {
        for begin in ["[", "{\"a\":"] {
            #expect(throws: JSON.SyntaxError.self) {
                try JSON(parsing: String(repeating: begin, count: 100_000).utf8)
            }
        }
        let deep = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(throws: Never.self) { try JSON(parsing: deep.utf8) }
    }

    @Test("what is written is what others read")
    func writing() throws {
        let texts = (0..<0x80).map { "\u{FC}\(Character(Unicode.Scalar(UInt8($0))))\u{1F98A}" }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("texts \"\\")
            writer.array(texts) { $0.string($1) }
            writer.key("number")
            writer.number(.min)
            writer.key("empty")
            writer.array([String]()) { $0.string($1) }
            writer.key("id")
            sampleID(0xAB).write(to: &writer)
        }
        let object = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any]
        #expect(object?["texts \"\\"] as? [String] == texts)
        #expect(object?["number"] as? Int64 == .min)
        #expect(object?["empty"] as? [String] == [])
        #expect(
            object?["id"] as? [String: String] == [
                "organization": "00000000-0000-0000-0000-0000000000a0", "uuid": "00000000-0000-0000-0000-0000000000ab",
            ])
        #expect(try JSON(parsing: writer.bytes)["texts \"\\"]?.elements?.map(\.text) == texts)
    }
}
