import AddressBook
import DirectoryMapping
import Testing

@Suite("A built-in mapping, and one that is based on it")
struct ProfileTests {
    private let based = "basedOn: inetOrgPerson\n"

    @Test("the built-in mapping carries every field of the General page, and is known by its name")
    func builtIn() {
        let mapping = Mapping.inetOrgPerson
        #expect(mapping.carriedFields(schema: .ours) == Set(Field.generalPage))
        #expect(mapping.carriedFields(schema: .bare) == Set(Field.generalPage).subtracting([.co, .assistant]))
        #expect(Mapping.builtIn(named: "inetOrgPerson")?.name == "inetOrgPerson")
        #expect(Mapping.builtIn(named: "other") == nil)
    }

    @Test("a rule takes the place of the profile's, the others stay")
    func replaced() throws {
        let mapping = try Mapping(
            based + "export: { company: [o, { constant: Acme }] }\nimport: { employeeType: { constant: guest } }\n",
            file: "mine.yaml")
        #expect(mapping.exported(.person(["l": ["Bern"]]))?.fields == [.company: ["Acme"], .l: ["Bern"]])
        let desired = mapping.desired(wholePerson, schema: .ours)
        #expect(desired["employeeType"] == ["guest"] && desired["o"] == ["Example"])
        #expect(mapping.managedAttributes(for: .person, schema: .ours).contains("employeeType"))
    }

    @Test("null takes a rule away, and an attribute's name is the same in any case")
    func removed() throws {
        let mapping = try Mapping(
            based + "export: { company: null }\nimport: { O: null, businessCategory: company }\n", file: "mine.yaml")
        #expect(mapping.exported(.person(["o": ["Acme"]]))?.fields == [:])
        let desired = mapping.desired(wholePerson, schema: .ours)
        #expect(desired["o"] == [] && desired["businessCategory"] == ["Example"])
        #expect(!mapping.managedAttributes(for: .person, schema: .ours).contains("o"))
    }

    @Test("the identity is checked with the profile's rules, at the place of one's own")
    func identity() {
        let export = problems(of: based + "export:\n  company: businessCategory\n")
        #expect(export.count == 1 && export.first?.hasPrefix("3:12: export.company: ") == true, "\(export)")
        let imported = problems(of: based + "import:\n  o: null\n  businessCategory: company\n")
        #expect(
            imported.count == 1 && imported.first?.hasPrefix("4:21: import.businessCategory: ") == true, "\(imported)")
    }

    @Test("the digest is the text's: another text is another mapping, another name is not")
    func digest() throws {
        let text = based + "export: { company: [o, { constant: Acme }] }\n"
        let mapping = try Mapping(text, file: "mine.yaml")
        #expect(mapping.digest.count == 64)
        #expect(try mapping.digest == Mapping(text, file: "other.yaml").digest)
        #expect(try mapping.digest != Mapping(text.replacing("Acme", with: "Acme AG"), file: "mine.yaml").digest)
        #expect(mapping.digest != Mapping.inetOrgPerson.digest)
        #expect(mapping.exportAttributes == Mapping.inetOrgPerson.exportAttributes)
    }

    @Test("cn and sn of a person are there with a rule for them and without one")
    func requiredAttributes() throws {
        let person = Entry(
            id: Home.id(1), kind: .person, name: "anna",
            fields: [.givenName: ["Anna"], .sn: ["Müller"], .alias: ["anna"]])
        let minimal = try Mapping.with(import: "givenName: givenName")
        #expect(minimal.managedAttributes(for: .person, schema: .ours) == ["cn", "sn", "givenName"])
        #expect(minimal.desired(person, schema: .ours)["sn"] == ["anna"])
        #expect(minimal.desired(person, schema: .ours)["cn"] == ["anna"])
        let mapping = try Mapping(
            based + "import: { CN: { template: '{sn} {givenName}' } }\n", file: "mine.yaml")
        let desired = mapping.desired(person, schema: .ours)
        #expect(desired.rdnAttribute == "uid" && desired["cn"] == ["Müller Anna"] && desired["sn"] == ["Müller"])
        #expect(mapping.managedAttributes(for: .person, schema: .ours).filter { $0.lowercased() == "cn" } == ["cn"])
    }

    @Test("an entry is named by uid only if that has its name")
    func naming() throws {
        let mapping = try Mapping(
            based + "import: { uid: { from: alias, then: [{ case: upper }], oneWay: true } }\n", file: "mine.yaml")
        let desired = mapping.desired(wholePerson, schema: .ours)
        #expect(desired.rdnAttribute == "cn" && desired["cn"] == ["anna", "Anna Müller"])
        #expect(desired["uid"] == ["ANNA", "AM"])
    }
}
