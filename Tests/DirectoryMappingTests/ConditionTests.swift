import AddressBook
import DirectoryMapping
import Testing

@Suite("A condition of a rule")
struct ConditionTests {
    private func holds(_ filter: String, for attributes: [String: [Value]]) throws -> Bool {
        try Mapping.title("{ constant: held, when: '\(filter)' }", of: attributes) == ["held"]
    }

    private let anna: [String: [Value]] = [
        "cn": ["Anna  Müller", "A. Müller"], "l": ["Zürich"], "employeeType": ["intern (paid)"], "mail": ["a*b@x"],
    ]

    @Test(
        "holds",
        arguments: [
            "(objectClass=INETORGPERSON)", "(l=*)", "(L=zürich)", "(l=ZU\u{308}RICH)", "(l= zürich )",
            "(cn=anna müller)",
            "(cn=A*)", "(cn=*müller)", "(cn=*. m*)", "(cn=a*na*ller)", "(cn=An*na*M*er)", "(mail=a\\2ab@x)",
            "(employeeType=intern \\28paid\\29)", "(!(title=*))", "(!(title=x))", "(&(l=*)(cn=*))", "(|(title=*)(l=*))",
            "(&(|(l=Bern)(l=Zürich))(!(&(l=*)(title=*))))",
        ])
    func holds(filter: String) throws {
        #expect(try holds(filter, for: anna))
    }

    @Test(
        "does not hold",
        arguments: [
            "(objectClass=device)", "(title=*)", "(l=zurich)", "(cn=A*x)", "(cn=*Anna)", "(cn=Müller*)", "(cn=a*anna*)",
            "(mail=a\\2ab)", "(!(l=*))", "(&(l=*)(title=*))", "(|(title=*)(l=x))", "(l=)",
        ])
    func doesNotHold(filter: String) throws {
        #expect(try !holds(filter, for: anna))
    }

    @Test("looks at fields when entries are imported")
    func imported() throws {
        let rule = "[{ constant: ours, when: (company=Acme) }, { constant: theirs }]"
        #expect(try Mapping.writtenTitle(rule, of: [.company: ["ACME"]]) == ["ours"])
        #expect(try Mapping.writtenTitle(rule, of: [.company: ["Other"]]) == ["theirs"])
    }

    @Test("is read with the entry, but is no source of it")
    func sources() throws {
        let mapping = try Mapping.with(export: "title: { from: a, when: (employeeType=*) }")
        let raw = DirectoryEntry.person(["a": ["1"], "employeeType": ["x"]])
        #expect(Set(mapping.exportAttributes).isSuperset(of: ["a", "employeeType"]))
        #expect(mapping.sources(in: raw, resolve: { _ in nil }) == [.title: ["a"]])
    }

    @Test(
        "that is none is refused at its place",
        arguments: [
            ("l=*", "expected something like"), ("(l=*", "do not pair"), ("(l=*))", "after the filter's last"),
            ("(l>=5)", "\">=\" is not known"), ("(l~=x)", "\"~=\" is not known"), ("(cn:dn:=x)", "\":=\" is not known"),
            ("(&)", "nothing after"), ("(l=a\\2)", "two hexadecimal digits"), ("(l=\\zz)", "two hexadecimal digits"),
            ("(a b=c)", "not the name of an attribute"), ("()", "expected something like"),
            (String(repeating: "(!", count: 9_000), "nests too deep"),
        ])
    func refused(filter: String, message: String) {
        let found = problems(of: "export:\n  title: { from: title, when: '\(filter)' }\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("2:31: export.title.when: ") == true, "\(found)")
        #expect(found.first?.contains(message) == true, "\(found)")
    }
}
