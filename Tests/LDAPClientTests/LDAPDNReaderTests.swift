import LDAPClient
import Testing

@Suite("Reading many names")
struct LDAPDNReaderTests {
    @Test("gives what each of them is by itself, whatever came before")
    func sameAsAlone() throws {
        let names = [
            "uid=a,ou=people,dc=example", "uid=b,ou=people,dc=example", "UID=B,OU=People,DC=example",
            "cn=a+uid=x,ou=people,dc=example", "cn=Smith\\, Anna,ou=people,dc=example",

            "uid=c,ou=a\\,b,dc=example", "uid=d,ou=a\\,b,dc=example", "cn=müller,ou=people,dc=example",
            "dc=example", "", "cn=#04024869,ou=people,dc=example", "uid=e, ou=people, dc=example",
            "uid=f, ou=people, dc=example", "uid= g,ou=people,dc=example", "uid=h ,ou=people,dc=example",
            "cn=two  words,ou=people,dc=example", "1.2.3=j,ou=people,dc=example",
            (1...100).map { "ou=o\($0)" }.joined(separator: ","),
            "userID=K,ou=people,dc=example", "uid=,ou=people,dc=example", "cn=日本 Ünit,ou=people,dc=example",
        ]
        var reader = LDAPDNReader()
        for name in names + names {
            let alone = try LDAPDN(name)
            let read = try reader.read(name)
            #expect(read == alone)
            #expect(try read.string() == alone.string())
            #expect(read.parent == alone.parent)
        }
    }

    @Test("refuses what is no name, below a known parent as well")
    func refused() throws {
        var reader = LDAPDNReader()
        _ = try reader.read("uid=a,dc=example")
        for name in [
            "a,dc=example", ",dc=example", "uid=a,,dc=example", "uid=a\0,dc=example", "uid=#i,dc=example",
            "uid=a;dc=example", "uid=a;uid=b,dc=example",
        ] {
            #expect(throws: LDAPError.self, "\(name)") { _ = try LDAPDN(name) }
            #expect(throws: LDAPError.self, "\(name)") { _ = try reader.read(name) }
        }
    }
}
