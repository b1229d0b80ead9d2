import AddressBook
import DirectoryMapping
import Foundation
import Testing

@Suite("What an entry of the address book has to look like in a directory")
struct MappingImportTests {
    let mapping = Mapping.inetOrgPerson

    @Test("what is imported and exported again is the same")
    func identity() throws {
        let raw = DirectoryEntry(mapping.desired(wholePerson, schema: .ours))
        #expect(mapping.exported(raw) == wholePerson)
        #expect(mapping.exported(raw)?.digest == wholePerson.digest)
    }

    @Test("without our schema just country and assistant are missing")
    func identityWithoutSchema() throws {
        var expected = wholePerson
        expected.fields[.co] = nil
        expected.fields[.assistant] = nil
        let desired = mapping.desired(wholePerson, schema: .bare)
        #expect(mapping.exported(DirectoryEntry(desired)) == expected)
        #expect(!desired.objectClasses.contains { $0.hasPrefix("interorg") })
        #expect(desired["co"] == [] && desired["interorgAssistant"] == [])
    }

    @Test("each field survives alone", arguments: wholePerson.fields.keys.sorted())
    func eachField(_ field: Field) {
        let entry = Entry(id: Home.id(1), kind: .person, name: "anna", fields: [field: wholePerson[field]])
        let imported = mapping.exported(DirectoryEntry(mapping.desired(entry, schema: .ours)))
        #expect(imported?[field] == entry[field])
    }

    @Test(
        "each field is written to its attribute",
        arguments: [
            (Field.givenName, "givenName"), (.initials, "initials"), (.sn, "sn"), (.displayName, "displayName"),
            (.alias, "uid"), (.street, "street"), (.l, "l"), (.st, "st"), (.postalCode, "postalCode"), (.co, "co"),
            (.title, "title"), (.company, "o"), (.department, "departmentNumber"),
            (.physicalDeliveryOfficeName, "physicalDeliveryOfficeName"), (.assistant, "interorgAssistant"),
            (.telephoneNumber, "telephoneNumber"), (.mail, "mail"),
        ])
    func attributes(field: Field, attribute: String) {
        #expect(mapping.desired(wholePerson, schema: .ours)[attribute] == wholePerson[field])
        #expect(mapping.managedAttributes(for: .person, schema: .ours).contains(attribute))
    }

    @Test("an attribute that is desired is one that the mapping manages, or the stamp's")
    func managed() {
        for schema in [DestinationSchema.ours, .bare] {
            let desired = mapping.desired(wholePerson, schema: schema).attributes.map(\.name)
            let managed = mapping.managedAttributes(for: .person, schema: schema) + Stamp.attributes
            #expect(Set(desired).isSubset(of: managed))
            #expect(Set(desired).count == desired.count)
        }
    }

    @Test(
        "a surname that is missing is the last word of what the entry is called",
        arguments: [
            ("Anna Maria M\u{FC}ller", "M\u{FC}ller"), ("Plato", "Plato"), (" spaced  name ", "name"), (" ", " "),
            (Value([0xFF, 0x20, 0x41]), Value([0xFF, 0x20, 0x41])),
        ] as [(Value, Value)])
    func derivedSurname(displayName: Value, surname: Value) {
        let entry = Entry(id: Home.id(1), kind: .contact, name: "x", fields: [.displayName: [displayName]])
        #expect(mapping.desired(entry, schema: .ours)["sn"] == [surname])
    }

    @Test("an entry without display name gets its surname from its name")
    func derivedFromName() {
        let entry = Entry(id: Home.id(1), kind: .person, name: "Anna M")
        #expect(mapping.desired(entry, schema: .ours)["sn"] == ["M"])
        #expect(mapping.desired(entry, schema: .ours)["cn"] == ["Anna M"])
    }

    @Test("an entry that is named by its alias at home is so here, and is called by its display name")
    func namedByAlias() {
        let desired = mapping.desired(wholePerson, schema: .ours)
        #expect(desired.rdnAttribute == "uid" && desired.rdnValue == "anna")
        #expect(desired["cn"] == ["Anna Müller"])
        #expect(desired["uid"].contains(desired.rdnValue))
    }

    @Test("an entry that has another name at home is named by cn, whose values are not the same to a server")
    func namedByCommonName() {
        var entry = wholePerson
        entry.name = "Müller, Anna"
        var desired = mapping.desired(entry, schema: .ours)
        #expect(desired.rdnAttribute == "cn" && desired.rdnValue == "Müller, Anna")
        #expect(desired["cn"] == ["Müller, Anna", "Anna Müller"])
        for name in ["anna müller", "ANNA  MÜLLER", "Anna Mu\u{308}ller"] as [Value] {
            entry.name = name
            desired = mapping.desired(entry, schema: .ours)
            #expect(desired["cn"] == [name])
        }
    }

    @Test("a suffix tells namesakes apart without showing up in what travels")
    func suffix() {
        for name in ["anna", "Anna Müller"] as [Value] {
            var entry = wholePerson
            entry.name = name
            let desired = mapping.desired(entry, schema: .ours, suffix: NameSuffix(of: Home.id(1)))
            #expect(desired.rdnAttribute == "cn")
            // printf '%s%s' <organization ID> <entryUUID> | xxd -r -p | sha256sum
            #expect(desired.rdnValue == Value(name.bytes + Array(" ~365467dc".utf8)))
            #expect(desired["cn"].contains(desired.rdnValue))
            #expect(mapping.exported(DirectoryEntry(desired))?.fields == wholePerson.fields)
        }
    }

    @Test("a container is an organizational unit, also with a suffix")
    func container() {
        let entry = Entry(id: Home.id(1), kind: .container, name: "Sales")
        let desired = mapping.desired(entry, schema: .ours)
        #expect(desired.rdnAttribute == "ou" && desired["ou"] == ["Sales"])
        #expect(desired.objectClasses.contains("organizationalUnit"))
        let other = mapping.desired(entry, schema: .ours, suffix: NameSuffix(of: Home.id(1)))
        #expect(other.rdnValue == "Sales ~365467dc" && other["ou"] == ["Sales", "Sales ~365467dc"])
    }

    @Test("a group has the members that it is given, and both its names")
    func group() {
        let entry = Entry(id: Home.id(1), kind: .group, name: "staff", fields: [.displayName: ["All staff"]])
        let desired = mapping.desired(entry, schema: .ours, members: ["cn=a", "cn=b"])
        #expect(desired.rdnAttribute == "cn" && desired["cn"] == ["staff", "All staff"])
        #expect(desired["member"] == ["cn=a", "cn=b"])
        #expect(desired.objectClasses.contains("groupOfNames"))
    }
}
