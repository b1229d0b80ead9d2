import LDAPClient
import TestSupport
import Testing

@Suite("Syntaxes, compared with a real slapd")
struct SyntaxServerTests {
    private static let syntaxes =
        [7, 11, 12, 15, 22, 24, 26, 27, 34, 36, 38, 40, 41, 44, 50].map { "1.3.6.1.4.1.1466.115.121.1.\($0)" }
        + ["1.3.6.1.1.16.1"]

    /// Attributes of the usual schema, which have matching rules besides.
    private static let usual = [
        "cn", "telephoneNumber", "mobile", "facsimileTelephoneNumber", "mail", "secretary", "c", "postalAddress",
        "x121Address", "uniqueMember", "member", "labeledURI", "dc", "street", "postalCode", "description", "co",
        "preferredLanguage", "jpegPhoto",
    ]

    /// An attribute of each syntax, without any matching rule.
    private static let bare = syntaxes.map { "bare-" + $0.replacing(".", with: "-") }

    private static var configuration: SlapdConfiguration {
        SlapdConfiguration(
            globalLines: zip(bare, syntaxes).enumerated().map { number, pair in
                "attributetype ( 1.3.6.1.4.1.99999.1.\(number) NAME '\(pair.0)' SYNTAX \(pair.1) )"
            })
    }

    /// Why slapd refuses a value in which this finds no fault; nil when nothing excuses it.
    private static func excuse(_ type: LDAPAttributeType, _ value: [UInt8]) -> String? {
        switch type.syntax.split(separator: ".").last {
        case "12", "34":
            value.count > 8_192 ? "slapd limits the length of a name" : excusedNames[value]
        case "38":
            String(decoding: value, as: UTF8.self).first?.isLetter == true
                ? "slapd takes names in place of OIDs in objectClass only" : nil
        default: nil
        }
    }

    /// Only the schema could tell these from names.
    private static let excusedNames: [[UInt8]: String] = {
        let byType = "slapd looks at each value in a name by the syntax of its type"
        let encoded = "slapd takes no encoded values of types whose values are text"
        let excuses = [
            "cn=": byType, "cn=,dc=example": byType, "c=CHE,o=x": byType, "dc=zürich": byType, "cn=\\FF": byType,
            "telephoneNumber=1*": byType, "cn=#0C04416E6E61": encoded, "2.5.4.3=#0C04416E6E61": encoded,
            "unknown=Anna": "slapd takes types of its schema only",
            "cn=a;lang-de=b": "slapd takes types of its schema only",
        ]
        var names: [[UInt8]: String] = [Array("cn=".utf8) + [0xFF]: byType]
        for (name, reason) in excuses { names[Array(name.utf8)] = reason }
        return names
    }()

    @Test("never refuse what slapd accepts, and find what it refuses")
    func verdicts() async throws {
        try await withSlapd(Self.configuration) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let dn = server.personDN("anna")
            var entry = person("anna")
            entry[0].values.append(Array("extensibleObject".utf8))
            try await connection.add(dn: dn, attributes: entry)
            let schema = try await connection.schema(of: server.suffix)

            for name in Self.bare + Self.usual {
                let type = try #require(schema.attributeType(name))
                let outcomes = try await connection.perform(
                    SyntaxSamples.values.map {
                        .modify(dn: dn, modifications: [LDAPModification(.replace, name, [$0])])
                    })
                #expect(outcomes.contains { (try? $0.get()) != nil }, "slapd accepts nothing in \(name)")
                for (value, outcome) in zip(SyntaxSamples.values, outcomes) {
                    let fault = type.fault(in: value)
                    let shown = "\(name): \(String(decoding: value.prefix(60), as: UTF8.self).debugDescription)"
                    switch outcome {
                    case .success:
                        #expect(fault == nil, "slapd accepts \(shown)")
                    case .failure(let error):
                        #expect(error.code == .invalidAttributeSyntax, "\(shown)")
                        #expect(fault != nil || Self.excuse(type, value) != nil, "slapd refuses \(shown)")
                    }
                }
            }
        }
    }
}
