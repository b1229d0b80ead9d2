import AddressBook
import Foundation
import Testing

@Suite("Entries")
struct EntryTests {
    @Test("an entry survives JSON, with fields that this version does not know")
    func json() throws {
        var entry = sampleEntry
        entry.fields[Field(rawValue: "pager")] = ["1", Value([0xFE])]
        entry.name = Value([0x41, 0xCC])
        let decoded = try Entry(JSON(parsing: entry.json))
        #expect(decoded == entry)
        #expect(decoded.digest == entry.digest)
    }

    @Test("a minimal entry has only what it must have in JSON")
    func minimalJSON() throws {
        let entry = Entry(id: sampleID(1), kind: .person, name: "x")
        let object = try JSONSerialization.jsonObject(with: Data(entry.json)) as? [String: Any]
        #expect(object?.keys.sorted() == ["id", "kind", "name"])
        #expect(try Entry(JSON(parsing: entry.json)) == entry)
    }

    @Test("identities are lower-case text in JSON, as a directory writes them")
    func identities() throws {
        let json = String(decoding: try JSONEncoder().encode(sampleID(0xAB).organization), as: UTF8.self)
        #expect(json == #""00000000-0000-0000-0000-0000000000a0""#)
        #expect(sampleID(0xAB).description.hasSuffix("/00000000-0000-0000-0000-0000000000ab"))
    }

    @Test(
        "what is no entry is refused",
        arguments: [
            "[]", "{}", #"{"id":1,"kind":"person","name":"x"}"#,
            #"{"id":{"organization":"0","uuid":"1"},"kind":"person","name":"x"}"#,
            entryText(kind: "7"), entryText(name: "null"), entryText(name: "1"),
            entryText(name: #"{"base64":"not base64!"}"#), entryText(name: #"{"base16":"00"}"#),
            entryText(more: #","fields":[]"#), entryText(more: #","fields":{"title":"x"}"#),
            entryText(more: #","fields":{"title":[1]}"#), entryText(more: #","members":{}"#),
            entryText(more: #","members":["x"]"#), entryText(more: #","parent":"x""#),
            entryText(more: #","parent":"00000000-0000-0000-0000-00000000000g""#),
            entryText(more: #","parent":"000000000000-0000-0000-0000-00000000""#),
        ])
    func noEntry(text: String) throws {
        let json = try JSON(parsing: text.utf8)
        #expect(throws: JSONContentError.self) { try Entry(json) }
    }

    @Test("what this version does not know of an entry is no reason to refuse it")
    func unknownMembers() throws {
        let entry = try Entry(JSON(parsing: Self.entryText(more: #","future":{"x":[1,null,true]}"#).utf8))
        #expect(entry == Entry(id: sampleID(1), kind: .person, name: "x"))
        let room = try Entry(JSON(parsing: Self.entryText(kind: #""room""#).utf8))
        #expect(try Entry(JSON(parsing: room.json)).kind.rawValue == "room")
    }

    private static func entryText(kind: String = #""person""#, name: String = #""x""#, more: String = "") -> String {
        let organization = "00000000-0000-0000-0000-0000000000a0"
        let uuid = "00000000-0000-0000-0000-000000000001"
        return #"{"id":{"organization":"\#(organization)","uuid":"\#(uuid)"},"kind":\#(kind),"name":\#(name)\#(more)}"#
    }

    @Test("a field without values is not there")
    func emptyField() {
        let entry = Entry(id: sampleID(1), kind: .person, name: "x", fields: [.title: [], .sn: ["S"]])
        #expect(entry.fields == [.sn: ["S"]])
        #expect(entry[.title] == [])
    }

    @Test("an entry is called by its display name, else by its name")
    func label() {
        #expect(sampleEntry.label == "All staff")
        #expect(Entry(id: sampleID(1), kind: .person, name: "x").label == "x")
    }

    @Test("only containers belong to the hierarchy")
    func streams() {
        #expect(Entry.Kind.known.filter { $0.stream == .hierarchy } == [.container])
    }

    @Test("only 16 bytes make a UUID")
    func uuidBytes() {
        #expect(UUID(bytes: sampleID(7).uuid.bytes) == sampleID(7).uuid)
        #expect(UUID(bytes: [1, 2, 3]) == nil)
        #expect(UUID(bytes: Array(repeating: 0, count: 17)) == nil)
    }
}
