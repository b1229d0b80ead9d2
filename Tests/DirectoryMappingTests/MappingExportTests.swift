import AddressBook
import DirectoryMapping
import Foundation
import Testing

@Suite("What a directory's entry is in the address book")
struct MappingExportTests {
    let mapping = Mapping.inetOrgPerson

    @Test(
        "each attribute becomes its field",
        arguments: [
            ("givenName", Field.givenName), ("initials", .initials), ("sn", .sn), ("displayName", .displayName),
            ("cn", .displayName), ("uid", .alias), ("street", .street), ("postalAddress", .street), ("l", .l),
            ("st", .st), ("postalCode", .postalCode), ("co", .co), ("c", .co), ("title", .title), ("o", .company),
            ("departmentNumber", .department), ("ou", .department),
            ("physicalDeliveryOfficeName", .physicalDeliveryOfficeName), ("interorgAssistant", .assistant),
            ("telephoneNumber", .telephoneNumber), ("mail", .mail), ("TITLE", .title),
        ])
    func attribute(name: String, field: Field) throws {
        let entry = try #require(mapping.exported(.person([name: ["x"]])))
        #expect(entry.fields == [field: ["x"]])
    }

    @Test(
        "the first attribute with values is read",
        arguments: [
            ("displayName", "cn", Field.displayName), ("street", "postalAddress", .street), ("co", "c", .co),
            ("departmentNumber", "ou", .department),
        ])
    func firstSource(first: String, second: String, field: Field) throws {
        let entry = try #require(mapping.exported(.person([first: ["right"], second: ["wrong"]])))
        #expect(entry[field] == ["right"])
    }

    @Test("what the General page does not show does not travel")
    func othersStay() throws {
        let others = ["employeeNumber", "userPassword", "jpegPhoto", "description", "mobile", "homePhone", "manager"]
        let raw = DirectoryEntry.person(Dictionary(uniqueKeysWithValues: others.map { ($0, ["x"]) }))
        #expect(mapping.exported(raw)?.fields == [:])
        #expect(Set(mapping.exportAttributes).isDisjoint(with: others))
    }

    @Test("every value is kept, byte for byte and in order")
    func values() throws {
        let values: [Value] = ["u\u{308}", "\u{FC}", Value([0xFF]), " two  spaces "]
        #expect(mapping.exported(.person(["telephoneNumber": values]))?[.telephoneNumber] == values)
    }

    @Test("the display name is one value")
    func singleValue() {
        #expect(mapping.exported(.person(["cn": ["First", "Second"]]))?[.displayName] == ["First"])
    }

    @Test(
        "a postal address becomes lines",
        arguments: [
            ("Way 1$8000 Z\u{FC}rich$", "Way 1\n8000 Z\u{FC}rich\n"), ("5 \\24 and \\5C", "5 $ and \\"),
            ("\\5c$\\24", "\\\n$"), ("end\\", "end\\"), ("end\\2", "end\\2"), ("\\5Z", "\\5Z"), ("\\\\24", "\\$"),
            ("\\5C24", "\\24"), ("", ""),
        ])
    func postalAddress(written: String, lines: String) {
        let entry = mapping.exported(.person(["postalAddress": [Value(written)]]))
        #expect(entry?[.street] == [Value(lines)])
    }

    @Test("a secretary becomes the text of her display name; one who is not exported is left out")
    func assistant() {
        let names = ["cn=ben": Reference(id: Home.id(5), label: "Ben B\u{E4}r")]
        let raw = DirectoryEntry.person(["secretary": ["cn=ben", "cn=ben", "cn=nobody"]])
        #expect(mapping.exported(raw, names: names)?[.assistant] == ["Ben B\u{E4}r"])
        #expect(mapping.exported(raw)?[.assistant] == [])
        #expect(mapping.references(in: raw) == ["cn=ben", "cn=ben", "cn=nobody"])
    }

    @Test("identity, place and name are those of the entry at home")
    func identity() throws {
        let entry = try #require(mapping.exported(.person([:])))
        #expect(entry == Entry(id: Home.id(1), kind: .person, parent: Home.container, name: "anna"))
    }

    @Test(
        "the object classes say what an entry is",
        arguments: [
            (["person"], Entry.Kind.person), (["inetOrgPerson"], .person), (["organizationalPerson"], .person),
            (["INETORGPERSON"], .person), (["organizationalUnit"], .container), (["groupOfNames"], .group),
            (["device"], nil), ([], nil),
        ] as [([Value], Entry.Kind?)])
    func kinds(objectClasses: [Value], kind: Entry.Kind?) {
        #expect(mapping.exported(.entry(of: objectClasses, [:]))?.kind == kind)
    }

    @Test("an entry without entryUUID is none")
    func noUUID() {
        var raw = DirectoryEntry.person(["sn": ["x"]])
        raw.uuid = nil
        #expect(mapping.exported(raw) == nil)
    }

    @Test("a group has its display name and those members that are exported, each once")
    func group() throws {
        let raw = DirectoryEntry.entry(
            of: ["groupOfNames"], ["cn": ["Staff"], "title": ["no"], "member": ["cn=ben", "cn=who", "cn=BEN"]])
        let ben = Reference(id: Home.id(5), label: "Ben")
        let entry = try #require(mapping.exported(raw, names: ["cn=ben": ben, "cn=BEN": ben]))
        #expect(entry.fields == [.displayName: ["Staff"]])
        #expect(entry.members == [Home.id(5)])
        #expect(mapping.references(in: raw) == ["cn=ben", "cn=who", "cn=BEN"])
    }

    @Test("a container has its name and nothing else")
    func container() {
        let raw = DirectoryEntry.entry(of: ["organizationalUnit"], ["ou": ["Sales"], "l": ["Z"], "member": ["cn=ben"]])
        let entry = mapping.exported(raw)
        #expect(entry?.fields == [:] && entry?.members == [])
    }

    @Test("an administrator's filter narrows the entries, not the containers")
    func filters() {
        #expect(mapping.filter(for: .hierarchy, and: "(mail=*)") == "(objectClass=organizationalUnit)")
        let contents = mapping.filter(for: .contents, and: "(mail=*)")
        #expect(contents.hasPrefix("(&(|(objectClass=person)") && contents.hasSuffix(")(mail=*))"))
        let open = contents.count { $0 == "(" }
        #expect(open == contents.count { $0 == ")" })
    }
}
