import AddressBook
import Testing

@Suite("Values")
struct ValueTests {
    @Test("a composed letter and a decomposed one are two values")
    func canonicalEquivalence() {
        let composed: Value = "Z\u{FC}rich"
        let decomposed: Value = "Zu\u{308}rich"
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(composed.text == decomposed.text, "though Swift calls the texts equal")
    }

    @Test("values are ordered by their bytes")
    func order() {
        let values: [Value] = ["b", "B", "", "a", "ab", Value([0xFF]), "\u{E4}"]
        #expect(values.sorted() == ["", "B", "a", "ab", "b", "\u{E4}", Value([0xFF])])
    }

    @Test(
        "a value survives JSON byte for byte",
        arguments: [
            "", " leading and trailing ", "two\nlines", "nul\0inside", "quotes \" and \\ and /", "\u{FC} u\u{308}",
            "\u{FEFF}byte order mark", "\u{202E}right to left \u{5D0}\u{5D1}", "\u{1F98A} \u{FFFF} \u{2028}",
            Value([0xFF]), Value([0x00, 0x80, 0xC3]), Value([0xED, 0xA0, 0x80]), Value(Array(0...255)),
        ])
    func json(value: Value) throws {
        var entry = sampleEntry
        entry.fields[.title] = [value]
        #expect(try Entry(JSON(parsing: entry.json))[.title] == [value])
    }

    @Test("what is not UTF-8 is base64 in JSON, and has no text")
    func base64() throws {
        let value = Value([0x66, 0xFF])
        #expect(value.text == nil)
        #expect(value.description == "base64:Zv8=")
        var writer = JSONWriter()
        writer.value(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"base64":"Zv8="}"#)
    }
}
