import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("Distinguished names")
struct LDAPDNTests {
    @Test("names are taken apart and put together again")
    func parts() throws {
        let dn = try LDAPDN("cn=Müller\\, Anna+uid=am,ou=people,dc=example")
        #expect(dn.rdns.count == 3)
        #expect(dn.rdn?.attributeValues.map(\.type) == ["cn", "uid"])
        #expect(dn.rdn?.attributeValues.first?.value == Array("Müller, Anna".utf8))
        #expect(dn.description == "cn=Müller\\2C Anna+uid=am,ou=people,dc=example")
        #expect(try dn.parent == LDAPDN("OU=People, DC=Example"))
        let parent = try #require(dn.parent)
        #expect(try parent.appending(LDAPDN.RDN("uid", "x")).description == "uid=x,ou=people,dc=example")
        #expect(LDAPDN.root.parent == nil && LDAPDN.root.description == "")
        #expect(try LDAPDN("") == .root)
    }

    @Test(
        "any text survives escaping",
        arguments: [
            "", " ", "  two  spaces  ", "#hash", "a,b+c\"d\\e<f>g;h=i", "nul\0inside", "Zoë 🦊", "\n\t", "a\\", "\\2C",
            " leading", "trailing ", ",", "=", "dc=x,dc=y",
        ])
    func roundTrip(text: String) throws {
        let dn = LDAPDN.root.appending(try LDAPDN.RDN("dc", "example")).appending(try LDAPDN.RDN("cn", text))
        let parsed = try LDAPDN(dn.string())
        #expect(parsed.rdn?.attributeValues == [.init(type: "cn", value: Array(text.utf8))])
        #expect(parsed == dn)
        #expect(parsed.rdns.count == 2)
    }

    @Test("values that are no text, and BER values, survive")
    func binary() throws {
        let bytes: [UInt8] = [0xFF, 0x00, 0x80, 0x2C]
        let parsed = try LDAPDN("cn=\\FF\\00\\80\\2C")
        #expect(parsed.rdn?.attributeValues.first?.value == bytes)
        #expect(try LDAPDN(parsed.description) == parsed)
        #expect(throws: LDAPError.self) { try LDAPDN.RDN([.init(type: "cn", value: bytes)]) }
        let encoded = try LDAPDN("1.3.6.1.4.1.1466.0=#04024869,dc=example")
        #expect(encoded.rdn?.attributeValues.first?.value == [4, 2, 0x48, 0x69])
        #expect(encoded.rdn?.attributeValues.first?.isBER == true)
        #expect(encoded.description == "1.3.6.1.4.1.1466.0=#04024869,dc=example")
    }

    @Test("names are compared as a directory does")
    func comparing() throws {
        #expect(try LDAPDN("CN=Anna  B , DC=Example") == LDAPDN("cn=anna b,dc=example"))
        #expect(try LDAPDN("commonName=x") == LDAPDN("2.5.4.3=X"))
        #expect(try LDAPDN("cn=a+sn=b") == LDAPDN("SN=B+CN=A"))
        #expect(try LDAPDN("cn=ÄNNE") == LDAPDN("cn=änne"))
        #expect(try LDAPDN("cn=A\u{308}nne") == LDAPDN("cn=änne"))
        #expect(try LDAPDN("cn=a\\,b") == LDAPDN("cn=a\\2cb"))
        #expect(try LDAPDN("cn=a\\,dc=b") != LDAPDN("cn=a,dc=b"))
        #expect(try Set([LDAPDN("cn=a"), LDAPDN("CN=A")]).count == 1)
    }

    @Test("letters of every script are compared in lower case and in form KC, alone and after others")
    func letters() throws {
        for value in UInt32(0x80)...0xFFFD {
            guard let letter = Unicode.Scalar(value), letter.properties.isAlphabetic || value < 0x250 else { continue }
            for text in ["\(letter)", "e\(letter)", "\(letter)\u{301}", "\u{1100}\(letter)"] {
                let expected = text.precomposedStringWithCompatibilityMapping.lowercased()
                    .precomposedStringWithCompatibilityMapping
                // What is escaped is none of this test's business.
                guard !expected.utf8.contains(where: { $0 < 0x41 || (0x5B...0x60).contains($0) }) else { continue }
                let normalized = try LDAPDN.RDN("cn", text).normalized
                let escaped = expected.utf8.map { byte in
                    byte < 0x80 ? String(UnicodeScalar(byte)) : "\\" + String(byte, radix: 16)
                }
                #expect(normalized == "cn=" + escaped.joined(), "U+\(String(value, radix: 16))")
            }
        }
    }

    @Test("the form for comparing is in ASCII, and a name itself")
    func ascii() throws {
        for (text, normalized) in [
            ("CN=Müller\\, Anna,DC=Example", "cn=m\\c3\\bcller\\2c anna,dc=example"), ("cn=#04024869", "cn=#04024869"),
            ("cn=日本", "cn=\\e6\\97\\a5\\e6\\9c\\ac"), ("cn=a\\0Ab", "cn=a\\0ab"), ("cn=\\FF", "cn=\\ff"),
        ] {
            #expect(try LDAPDN(text).normalized == normalized)
            #expect(try LDAPDN(normalized).normalized == normalized)
        }
    }

    @Test("the name above is what it is by itself")
    func above() throws {
        for text in ["uid=a,ou=Ünit\\, x,dc=example", "cn=a+uid=b,ou=p+l=q,dc=x", "dc=example"] {
            let dn = try LDAPDN(text)
            let parent = try #require(dn.parent)
            #expect(parent.normalized == (try LDAPDN(parent.string())).normalized)
            #expect(dn.rdn.map { parent.appending($0).normalized } == dn.normalized)
        }
    }

    @Test("a descendant is below, never beside or the same")
    func descendants() throws {
        let people = try LDAPDN("ou=people,dc=example")
        #expect(try LDAPDN("uid=x,OU=People,dc=example").isDescendant(of: people))
        #expect(try LDAPDN("cn=y,uid=x,ou=people,dc=example").isDescendant(of: people))
        #expect(!people.isDescendant(of: people))
        #expect(try !LDAPDN("uid=x\\,ou=people,dc=example").isDescendant(of: people))
        #expect(try !LDAPDN("uid=x,ou=morepeople,dc=example").isDescendant(of: people))
        #expect(people.isDescendant(of: .root))
    }

    @Test("what is no name is refused", arguments: ["x", "=y", "cn=a,", "cn=a,,dc=b", "cn=a\0,dc=b", "cn=\"a"])
    func refused(text: String) {
        #expect(throws: LDAPError.self) { try LDAPDN(text) }
        #expect(throws: LDAPError.self) { try LDAPDN.RDN("", "a") }
        #expect(throws: LDAPError.self) { try LDAPDN.RDN("c n", "a") }
        #expect(throws: LDAPError.self) { try LDAPDN.RDN([]) }
    }

    @Test("slapd takes awkward names for what they are")
    func awkwardNames() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let people = try LDAPDN(server.peopleDN)
            for text in ["a,b+c", "#x", "\"q\"", "back\\slash", "x=y", "<a;b>", "Zoë", "(star*)"] {
                let dn = people.appending(try LDAPDN.RDN("cn", text))
                try await connection.add(
                    dn: dn.description,
                    attributes: [
                        LDAPAttribute("objectClass", "person"), LDAPAttribute("cn", text), LDAPAttribute("sn", "s"),
                    ])
                let found = try await connection.entries(
                    base: server.suffix, filter: "(cn=\(LDAPFilter.escape(text)))")
                #expect(try found.map { try LDAPDN($0.dn) } == [dn], "\(text)")
                #expect(found.first?.text("cn") == text)
            }
        }
    }
}
