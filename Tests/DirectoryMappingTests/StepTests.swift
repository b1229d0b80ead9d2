import AddressBook
import DirectoryMapping
import Testing

@Suite("What a mapping can do to values")
struct StepTests {
    private func title(_ steps: String, _ values: Value...) throws -> [Value] {
        try Mapping.title("{ from: a, then: [\(steps)] }", of: ["a": values])
    }

    @Test("a rule renames: the values stay as they are")
    func rename() throws {
        let values: [Value] = ["b", "a", Value([0xFF]), " x "]
        #expect(try Mapping.title("personalTitle", of: ["personalTitle": values]) == values)
        #expect(try Mapping.writtenTitle("company", of: [.company: values]) == values)
    }

    @Test("several sources are read one after the other, each value once")
    func several() throws {
        #expect(try Mapping.title("{ from: [a, b, c] }", of: ["b": ["1", "2"], "c": ["2", "3"]]) == ["1", "2", "3"])
        let fields: [Field: [Value]] = [.company: ["1"], .department: ["2"]]
        let written = try Mapping.writtenTitle("{ from: [company, department], oneWay: true }", of: fields)
        #expect(written == ["1", "2"])
    }

    @Test("a constant is there whatever the entry has, also if it looks like a number")
    func constant() throws {
        #expect(try Mapping.title("{ constant: Chief }", of: [:]) == ["Chief"])
        #expect(try Mapping.writtenTitle("{ constant: 007 }", of: [:]) == ["007"])
    }

    @Test("a template has the first values, and is nothing if one has none")
    func template() throws {
        let rule = "{ template: \"{givenName} {sn} {{x}}\" }"
        let whole: [String: [Value]] = ["GIVENNAME": ["Anna", "Ann"], "sn": ["Müller"]]
        #expect(try Mapping.title(rule, of: whole) == ["Anna Müller {x}"])
        #expect(try Mapping.title(rule, of: ["sn": ["Müller"]]) == [])
        let written = try Mapping.writtenTitle(
            "{ template: \"{sn}, {givenName}\", oneWay: true }", of: [.sn: ["Bär"], .givenName: ["Ben"]])
        #expect(written == ["Bär, Ben"])
    }

    @Test("the first source with values counts")
    func alternatives() throws {
        let rule = "[a, { template: \"{b} {c}\" }, { constant: none }]"
        #expect(try Mapping.title(rule, of: ["a": ["1"], "b": ["2"], "c": ["3"]]) == ["1"])
        #expect(try Mapping.title(rule, of: ["b": ["2"], "c": ["3"]]) == ["2 3"])
        #expect(try Mapping.title(rule, of: ["b": ["2"]]) == ["none"])
    }

    @Test("first, split and join change how many values there are")
    func count() throws {
        #expect(try title("first", "a", "b") == ["a"])
        #expect(try title("{ split: \";\" }", "a; b;;c", "d;a") == ["a", "b", "c", "d"])
        #expect(try title("{ join: \", \" }", "a", "b") == ["a, b"])
        #expect(try title("{ join: \"\" }", "a", "b") == ["ab"])
        #expect(try title("{ split: \"/\" }, first", "a/b") == ["a"])
        #expect(try title("{ split: \"/\" }", "///") == [])
    }

    @Test(
        "letters",
        arguments: [
            ("upper", "Straße", "STRASSE"), ("lower", "ÄRGER", "ärger"),
            ("title", "jean-luc o'neill", "Jean-Luc O'Neill"),
            ("title", "DR. ÉMILE ZOLA 2ND", "Dr. Émile Zola 2nd"),
        ])
    func letters(letters: String, value: Value, changed: Value) throws {
        #expect(try title("{ case: \(letters) }", value) == [changed])
    }

    @Test(
        "a regular expression's matches are replaced",
        arguments: [
            ("'^(.*), (.*)$'", "'$2 $1'", "Müller, Anna", "Anna Müller"), ("' +'", "' '", "a   b  c", "a b c"),
            ("'[0-9]'", "''", "a1b2", "ab"), ("'(x)|(y)'", "'<$1$2>'", "axby", "a<x>b<y>"),
            ("'€'", "'$$0'", "5 €", "5 $0"),
            ("'ä'", "'$0$0'", "😀ä😀", "😀ää😀"), ("'z'", "'-'", "abc", "abc"), ("'(?i)ABC'", "'x'", "aBc", "x"),
        ])
    func replace(pattern: String, with: String, value: Value, changed: Value) throws {
        #expect(try title("{ replace: { pattern: \(pattern), with: \(with) } }", value) == [changed])
    }

    @Test("a value that is empty after a step is left out")
    func emptied() throws {
        #expect(try title("{ replace: { pattern: '.*', with: '' } }", "a", "b") == [])
    }

    @Test("a pattern that would take years for a value leaves it as it is, and so do very long values")
    func pathological() throws {
        let steps = "{ replace: { pattern: '(a+)+b', with: x } }"
        let evil = Value(String(repeating: "a", count: 60))
        #expect(try title(steps, evil) == [evil])
        #expect(try title(steps, "aab") == ["x"])
        let long = Value(String(repeating: "ab", count: 3_000))
        #expect(try title(steps, long) == [long])
    }

    @Test("a table has values for values, and says what becomes of others")
    func lookup() throws {
        let table = "table: { CH: Switzerland, NO: Norway, 49: Germany }"
        #expect(
            try title("{ lookup: { \(table) } }", "ch", "No", "49", "FR") == ["Switzerland", "Norway", "Germany", "FR"])
        #expect(try title("{ lookup: { \(table), otherwise: keep } }", "FR") == ["FR"])
        #expect(try title("{ lookup: { \(table), otherwise: drop } }", "FR", "CH") == ["Switzerland"])
        #expect(try title("{ lookup: { \(table), otherwise: { constant: other } } }", "FR", "IT") == ["other"])
    }

    @Test(
        "a telephone number becomes international",
        arguments: [
            ("country: 41", "044 668 18 00", "+41 44 668 18 00"),
            ("country: 41", "(044) 668-18.00", "+41 44 668-18.00"),
            ("country: 41", "0446681800", "+41 446681800"), ("country: 41", "0049 30 123456", "+49 30 123456"),
            ("country: 41", "+41 44 668 18 00", "+41 44 668 18 00"), ("country: 41", "+49 (0)30 1", "+49 (0)30 1"),
            ("country: 41", "1234", "1234"), ("country: 41", "044 668 18 00 x12", "044 668 18 00 x12"),
            ("country: 41", "668 18 00", "668 18 00"), ("country: 41", "0 1234", "0 1234"),
            ("country: 39, trunk: none", "06 1234 567", "+39 06 1234 567"), ("country: 39, trunk: none", "112", "112"),
            ("country: 1, trunk: 1, international: 011", "1-212-555-0100", "+1 212-555-0100"),
            ("country: 1, trunk: 1, international: 011", "011 41 44 668 18 00", "+41 44 668 18 00"),
        ])
    func phone(form: String, number: Value, international: Value) throws {
        #expect(try title("{ phone: { \(form) } }", number) == [international])
    }

    @Test("lines are a postal address in a directory", arguments: ["a\nb", "5 $ and \\", "\n", "a\\24", "$$", ""])
    func lines(text: Value) throws {
        let mapping = try Mapping.with(
            export: "street: { from: postalAddress, then: [lines] }",
            import: "postalAddress: { from: street, then: [lines] }")
        let entry = Entry(id: Home.id(1), kind: .person, name: "anna", fields: [.street: [text]])
        let desired = mapping.desired(entry, schema: .ours)
        #expect(!desired["postalAddress"].contains { $0.bytes.contains(0x0A) })
        #expect(mapping.exported(DirectoryEntry(desired))?[.street] == [text])
        let atHome = DirectoryEntry.person(["postalAddress": desired["postalAddress"]])
        #expect(mapping.exported(atHome)?[.street] == [text])
    }

    @Test("the names of entries that are named by their DNs")
    func nameOf() throws {
        let mapping = try Mapping.with(export: "assistant: { nameOf: manager, then: [{ case: upper }] }")
        let raw = DirectoryEntry.person(["manager": ["cn=ben", "cn=nobody"]])
        let names = ["cn=ben": Reference(id: Home.id(5), label: "Ben")]
        #expect(mapping.references(in: raw) == ["cn=ben", "cn=nobody"])
        #expect(mapping.exported(raw, names: names)?[.assistant] == ["BEN"])
    }

    @Test("what is no text passes through what works on text")
    func binary() throws {
        let binary = Value([0xFF, 0x61])
        for step in [
            "{ case: upper }", "{ split: a }", "{ replace: { pattern: a, with: b } }", "{ phone: { country: 41 } }",
        ] {
            #expect(try title(step, binary) == [binary])
        }
    }

    @Test("what a server would not tell apart is written once")
    func distinct() throws {
        let fields: [Field: [Value]] = [.company: ["a", "A  b"], .department: ["A", "a B", "c"]]
        let written = try Mapping.writtenTitle("{ from: [company, department], oneWay: true }", of: fields)
        #expect(written == ["a", "A  b", "c"])
    }
}
