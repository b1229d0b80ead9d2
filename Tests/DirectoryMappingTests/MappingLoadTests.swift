import AddressBook
import DirectoryMapping
import Testing

@Suite("A mapping that cannot be right is refused")
struct MappingLoadTests {
    /// One mistake, and what must be said about it.
    struct Mistake: CustomTestStringConvertible {
        let text: String
        /// `line:column: key.path: `
        let place: String
        let message: String

        var testDescription: String { "\(place)\(message)" }

        init(_ text: String, _ place: String, _ message: String) {
            (self.text, self.place, self.message) = (text, place, message)
        }

        static func export(_ rule: String, _ place: String, _ message: String) -> Mistake {
            Mistake("export:\n  title: \(rule)\n", place, message)
        }
    }

    static let mistakes = [
        Mistake("exports: {}\n", "1:1: exports: ", "did you mean \"export\"?"),
        Mistake("basedOn: inetOrgPerson\n", "1:1: ", "there is no rule here"),
        Mistake(
            "basedOn: person\nexport: { sn: null }\nimport: { sn: null }\n", "1:10: basedOn: ", "allowed: inetOrgPerson"
        ),
        Mistake("export: sn\n", "1:9: export: ", "a mapping (key: value) with a rule in each line"),
        Mistake("export:\n  titel: title\n", "2:3: export.titel: ", "did you mean \"title\"?"),
        Mistake("export:\n  Title: title\n", "2:3: export.Title: ", "is no field"),
        Mistake("export:\n  sn: sn\n  sn: cn\n", "3:3: export.sn: ", "more than once, first in line 2"),
        Mistake("import:\n  sn: sn\n  SN: givenName\n", "3:3: import.SN: ", "is here twice (import.sn, line 2)"),
        Mistake("import:\n  title: tittle\n", "2:10: import.title: ", "did you mean \"title\"?"),
        Mistake("import:\n  2x: title\n", "2:3: import.2x: ", "not the name of an attribute"),
        Mistake("import:\n  member: title\n", "2:3: import.member: ", "the connector's own"),
        Mistake("import:\n  ObjectClass: { constant: x }\n", "2:3: import.ObjectClass: ", "the connector's own"),
        Mistake("import:\n  labeledURI: title\n", "2:3: import.labeledURI: ", "the connector's own"),
        Mistake("export:\n  sn: null\n", "2:3: export.sn: ", "there is no rule to leave out"),
        .export("[]", "2:10: export.title: ", "the list is empty"),
        .export("7", "2:10: export.title: ", "found a number"),
        .export("{ form: a }", "2:12: export.title.form: ", "did you mean \"from\"?"),
        .export("{ from: a, constant: b }", "2:10: export.title: ", "exactly one of the keys"),
        .export("{ then: [first] }", "2:10: export.title: ", "exactly one of the keys"),
        .export("{ from: [] }", "2:18: export.title.from: ", "the list is empty"),
        .export("{ from: [a, b c] }", "2:22: export.title.from[1]: ", "not the name of an attribute"),
        .export("{ constant: '' }", "2:22: export.title.constant: ", "the text is empty"),
        .export("{ template: abc }", "2:22: export.title.template: ", "nothing in it stands in braces"),
        .export("{ template: '{a' }", "2:22: export.title.template: ", "has no \"}\""),
        .export("{ template: 'a}' }", "2:22: export.title.template: ", "has no \"{\""),
        .export("{ template: '{}' }", "2:22: export.title.template: ", "not the name of an attribute"),
        .export("{ from: a, needsSchema: true }", "2:34: export.title.needsSchema: ", "for \"import\" only"),
        .export("{ from: a, oneWay: 1 }", "2:29: export.title.oneWay: ", "expected true or false"),
        .export("{ from: a, then: first }", "2:27: export.title.then: ", "expected a list"),
        .export("{ from: a, then: [frist] }", "2:28: export.title.then[0]: ", "did you mean \"first\"?"),
        .export("{ from: a, then: [upper] }", "2:28: export.title.then[0]: ", "is not a step"),
        .export("{ from: a, then: [split] }", "2:28: export.title.then[0]: ", "write it as { split: ... }"),
        .export("{ from: a, then: [{ spilt: a }] }", "2:30: export.title.then[0].spilt: ", "did you mean \"split\"?"),
        .export("{ from: a, then: [{ split: '' }] }", "2:37: export.title.then[0].split: ", "the separator is empty"),
        .export("{ from: a, then: [{ split: a, join: b }] }", "2:28: export.title.then[0]: ", "exactly one"),
        .export("{ from: a, then: [{ case: Upper }] }", "2:36: export.title.then[0].case: ", "did you mean \"upper\"?"),
        .export(
            "{ from: a, then: [{ replace: { pattern: '(', with: b } }] }",
            "2:50: export.title.then[0].replace.pattern: ",
            "not a regular expression"),
        .export(
            "{ from: a, then: [{ replace: { pattern: '(a)', with: $2 } }] }",
            "2:63: export.title.then[0].replace.with: ", "there is no $2"),
        .export(
            "{ from: a, then: [{ replace: { pattern: a, with: b$ } }] }", "2:59: export.title.then[0].replace.with: ",
            "there must be a digit"),
        .export(
            "{ from: a, then: [{ replace: { pattern: a } }] }", "2:39: export.title.then[0].replace: ",
            "\"with\" is missing"),
        .export(
            "{ from: a, then: [{ lookup: { table: {} } }] }", "2:47: export.title.then[0].lookup.table: ",
            "the table is empty"),
        .export(
            "{ from: a, then: [{ lookup: { table: { a: b, A: c } } }] }", "2:55: export.title.then[0].lookup.table.A: ",
            "in the table already"),
        .export(
            "{ from: a, then: [{ lookup: { table: { a: b }, otherwise: x } }] }",
            "2:68: export.title.then[0].lookup.otherwise: ", "expected keep, drop or"),
        .export(
            "{ from: a, then: [{ phone: { country: +41 } }] }", "2:48: export.title.then[0].phone.country: ",
            "without +"),
        .export(
            "{ from: a, then: [{ phone: { trunk: 0 } }] }", "2:37: export.title.then[0].phone: ",
            "\"country\" is missing"),
        Mistake(
            "import:\n  title: { nameOf: title }\n", "2:20: import.title.nameOf: ", "for \"export\" only"),
    ]

    @Test("each mistake is one problem at its place", arguments: mistakes)
    func mistake(_ mistake: Mistake) {
        let found = problems(of: mistake.text)
        #expect(found.count == 1, "\(found)")
        #expect(
            found.first?.hasPrefix(mistake.place) == true && found.first?.contains(mistake.message) == true, "\(found)")
    }

    @Test("all problems are told at once, in the order of the file")
    func several() {
        let found = problems(of: "import:\n  title: x\nexport:\n  title: 'a b'\n  y: z\n")
        #expect(found.map { $0.prefix(2) } == ["2:", "4:", "5:"])
    }

    @Test("what is no mapping at all", arguments: ["", "# nothing\n", "- a\n", "a: [b\n"])
    func noMapping(text: String) {
        #expect(problems(of: text).count == 1)
    }
}

@Suite("Import after export is the identity on what a mapping carries")
struct MappingIdentityTests {
    @Test(
        "a mapping that breaks it is refused at the rule that does",
        arguments: [
            ("title: a", "title: title", "2:10: export.title: title is written to title but not read from there first"),
            ("title: [a, title]", "title: title", "2:11: export.title[0]: title is written to title but not read"),
            ("title: { from: title, then: [first] }", "title: title", "2:10: export.title: title is written to title"),
            ("title: { from: title, when: (l=*) }", "title: title", "2:10: export.title: title is written to title"),
            ("title: { from: [title, a] }", "title: title", "2:10: export.title: title is written to title"),
            ("street: postalAddress", "postalAddress: { from: street, then: [lines] }", "2:11: export.street: "),
            ("street: { from: street, then: [lines] }", "street: street", "2:11: export.street: "),
            (
                "sn: sn", "title: { from: title, then: [{ case: upper }] }",
                "4:10: import.title: title cannot be read back"
            ),
            ("sn: sn", "cn: { template: '{givenName} {sn}' }", "4:7: import.cn: givenName cannot be read back from cn"),
            ("sn: sn", "cn: displayName", "4:7: import.cn: displayName cannot be read back from cn: an entry's name"),
            ("sn: sn", "title: { from: [title, company] }", "4:10: import.title: title cannot be read back"),
            ("sn: sn", "title: [title, company]", "4:11: import.title[0]: title cannot be read back"),
            ("sn: sn", "title: { from: title, when: (sn=*) }", "4:10: import.title: title cannot be read back"),
        ])
    func broken(export: String, imported: String, message: String) {
        let found = problems(of: Mapping.text(export: export, import: imported))
        #expect(found.first?.hasPrefix(message) == true, "\(found)")
        #expect(found.allSatisfy { $0.contains("oneWay: true") }, "\(found)")
    }

    @Test(
        "a rule that says oneWay need not keep it",
        arguments: [
            ("title: { from: a, oneWay: true }", "title: title"),
            (
                "telephoneNumber: { from: telephoneNumber, then: [{ phone: { country: 41 } }], oneWay: true }",
                "telephoneNumber: telephoneNumber"
            ),
            ("sn: sn", "title: { from: title, then: [{ case: upper }], oneWay: true }"),
        ])
    func oneWay(export: String, imported: String) {
        #expect(problems(of: Mapping.text(export: export, import: imported)) == [])
    }

    @Test("nothing need be said of a field that goes one way only, nor of what is made from fields that are carried")
    func unclaimed() {
        #expect(
            problems(of: Mapping.text(export: "title: { from: a, then: [{ case: upper }] }", import: "sn: sn")) == [])
        let imported = "sn: sn\ngivenName: givenName\ncn: { template: '{givenName} {sn}' }\nl: { constant: x }"
        #expect(problems(of: Mapping.text(export: "sn: SN", import: imported)) == [])
    }

    @Test("an imported entry is read by undoing what was written, whatever the rules for entries at home are")
    func undoing() throws {
        let mapping = try Mapping.with(
            export: """
                telephoneNumber: { from: telephoneNumber, then: [{ phone: { country: 41 } }], oneWay: true }
                displayName: [displayName, cn]
                """,
            import: """
                telephoneNumber: telephoneNumber
                displayName: displayName
                title: { from: title, then: [{ case: upper }], oneWay: true }
                """)
        let entry = Entry(
            id: Home.id(1), kind: .person, parent: Home.container, name: "anna",
            fields: [.telephoneNumber: ["044 668 18 00"], .title: ["Chief"]])
        let written = DirectoryEntry(mapping.desired(entry, schema: .ours))
        #expect(written["title"] == ["CHIEF"])
        #expect(mapping.exported(written)?.fields == [.telephoneNumber: ["044 668 18 00"]])
        #expect(mapping.carriedFields(schema: .ours) == [.telephoneNumber, .displayName])
        let atHome = DirectoryEntry.person(["telephoneNumber": ["044 668 18 00"], "cn": ["Anna"]])
        #expect(
            mapping.exported(atHome)?.fields == [.telephoneNumber: ["+41 44 668 18 00"], .displayName: ["Anna"]])
    }

    @Test("every value of a carried field comes back byte for byte", arguments: Field.generalPage)
    func values(field: Field) {
        let values: [Value] = field.isSingleValued ? ["$ \\24"] : [" a ", "A", "a\nb$\\24", "+41", Value([0xFF, 0])]
        let entry = Entry(id: Home.id(1), kind: .person, name: "anna", fields: [field: values])
        let written = DirectoryEntry(Mapping.inetOrgPerson.desired(entry, schema: .ours))
        #expect(Mapping.inetOrgPerson.exported(written)?[field] == values)
        #expect(Mapping.inetOrgPerson.carriedFields(schema: .ours).contains(field))
    }
}
