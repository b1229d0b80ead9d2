import AddressBook
import LDAPClient
import TestSupport
import Testing

@testable import DirectoryMapping
@testable import LDAPDirectory

@Suite("What the server's schema does not allow is said before anything is written")
struct SchemaRulesTests {
    private static let complete: [DirectoryAttribute] = [
        DirectoryAttribute("cn", ["Anna"]), DirectoryAttribute("sn", ["Anna"]), DirectoryAttribute("uid", ["anna"]),
        DirectoryAttribute("interorgOrganizationID", ["x"]), DirectoryAttribute("interorgEntryUUID", ["x"]),
    ]

    private func reason(
        _ attributes: [DirectoryAttribute], hasSchema: Bool = true, over current: DirectoryEntry? = nil
    ) async throws -> String? {
        var reason: String?
        try await withSlapd(.directory(hasSchema: hasSchema)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let rules = SchemaRules(
                try await connection.schema(of: "dc=example"), mapping: .inetOrgPerson,
                destination: DestinationSchema(hasStamp: true, hasGeneralPage: true))
            let entry = DesiredEntry(rdnAttribute: "uid", rdnValue: "anna", objectClasses: [], attributes: attributes)
            do {
                try rules.check(entry, of: .person, over: current)
            } catch let unfit as UnfitEntry {
                reason = unfit.reason
            }
        }
        return reason
    }

    @Test("an attribute or an object class that it does not know")
    func unknown() async throws {
        #expect(
            try await reason(Self.complete + [DirectoryAttribute("shoeSize", ["42"])])
                == "the server's schema has no attribute shoeSize")
        let noClass = try await reason(Self.complete, hasSchema: false)
        #expect(noClass?.hasPrefix("the server's schema has no object class interorg") == true)
    }

    @Test("an attribute that none of the classes allows")
    func disallowed() async throws {
        #expect(
            try await reason(Self.complete + [DirectoryAttribute("dc", ["example"])])
                == "none of the entry's object classes allows the attribute dc")
    }

    @Test("several values of what takes one")
    func singleValue() async throws {
        #expect(
            try await reason(Self.complete + [DirectoryAttribute("displayName", ["Anna", "Anne"])])
                == "displayName has 2 values, and the server takes one")
        #expect(try await reason(Self.complete + [DirectoryAttribute("title", ["Boss", "Head"])]) == nil)
    }

    @Test("a required attribute without a value, unless the entry is there and has it from somebody else")
    func required() async throws {
        let attributes = Self.complete.filter { $0.name != "sn" }
        #expect(try await reason(attributes) == "the server requires sn, and the mapping gives it no value")
        let current = DirectoryEntry(dn: "uid=anna,dc=example", uuid: nil, attributes: [])
        #expect(try await reason(attributes, over: current) == nil)
    }
}
