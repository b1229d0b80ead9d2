import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("interorg check", .serialized)
struct CheckTests {
    /// A requestor whose mail goes nowhere.
    private func withRequestor(people: Int, _ body: (Organization) async throws -> Void) async throws {
        try await withOrganization("a", people: people) { organization in
            try await organization.configure(
                exchange: """
                      smtp: { url: "smtp://127.0.0.1:\(organization.mailPort)" }
                      master: { organization: hq, address: interorg@hq.example }
                    """, every: "1h", isSealed: false, more: "")
            try await body(organization)
        }
    }

    @Test("says what is in order, and what is not")
    func configuration() async throws {
        try await withRequestor(people: 0) { organization in
            let good = try await organization.command("check")
            #expect(good.status == 0 && good.output.contains("the export base is there: ou=people,dc=a"))
            let json = try await organization.command("check", "--json").json()
            #expect(
                json["importBase"] as? String == "ou=interorg,dc=a" && json["mapping"] as? String == "inetOrgPerson")
            try organization.reconfigure("ou=interorg,dc=a", "ou=none,dc=a")
            let bad = try await organization.command("check")
            #expect(
                bad.status == 2 && bad.errors.contains("ou=none,dc=a") && bad.errors.contains("directory.import.base"))
            await organization.server.stop()
            let unreachable = try await organization.command("check")
            #expect(unreachable.status == 3)
        }
    }

    @Test("shows an entry before and after, and no value of an attribute that does not travel")
    func mapping() async throws {
        try await withRequestor(people: 2) { organization in
            let dn = "uid=a1,ou=people,dc=a"
            try await organization.withDirectory { connection in
                try await connection.modify(
                    dn: dn,
                    [
                        LDAPModification(.add, "userPassword", "very-secret"),
                        LDAPModification(.add, "employeeNumber", "4711"),
                        LDAPModification(.add, "displayName", "Ann\u{1B}[2J"),
                        LDAPModification(.add, "secretary", "uid=a0,ou=sales,ou=people,dc=a"),
                        LDAPModification(.add, "postalAddress", "Way 1$8000 Zürich"),
                    ])
            }
            let shown = try await organization.command("check", "--mapping", dn)
            #expect(shown.status == 0, "\(shown.errors)")
            for text in [
                dn, "Title 1", "Way 1\\n8000 Zürich", "Person 0 of a", "interorgAssistant", "employeenumber",
                "has no place for          assistant",
            ] {
                #expect(shown.output.contains(text), "\(text) in \(shown.output)")
            }
            for text in ["very-secret", "4711", "\u{1B}", "Person 1 of a"] {
                #expect(!shown.output.contains(text), "\(text) in \(shown.output)")
            }
            let json = try await organization.command("check", "--mapping", dn, "--json").json()
            let fields = json["fields"] as? [[String: Any]] ?? []
            #expect(
                fields.contains {
                    $0["name"] as? String == "assistant" && $0["values"] as? [String] == ["Person 0 of a"]
                })
            let without = (json["withoutSchema"] as? [String: Any])?["attributes"] as? [[String: Any]] ?? []
            #expect(without.contains { $0["name"] as? String == "street" })
            #expect(!without.contains { $0["name"] as? String == "interorgAssistant" })
            #expect((json["attributesNotTravelling"] as? [String])?.contains("userpassword") == true)
        }
    }

    @Test("takes the first entry that would be exported, or says why there is none")
    func firstEntry() async throws {
        try await withRequestor(people: 1) { organization in
            let first = try await organization.command("check", "--mapping")
            #expect(first.status == 0 && first.output.hasPrefix("uid=a0,ou=sales,ou=people,dc=a\n\nbefore"), "\(first)")
            let missing = try await organization.command("check", "--mapping", "uid=nobody,dc=a")
            #expect(missing.status == 2 && missing.errors.contains("uid=nobody,dc=a: there is no such entry"))
            let noPerson = try await organization.command("check", "--mapping", "dc=a")
            #expect(noPerson.status == 2 && noPerson.errors.contains("no person, group or organizational unit"))
            try organization.reconfigure("ou=people,dc=a\"", "ou=people,dc=a\", filter: \"(l=nowhere)\"")
            let other = try await organization.command("check", "--mapping", "uid=a0,ou=sales,ou=people,dc=a")
            #expect(other.status == 0 && other.output.contains("not exported"), "\(other)")
            let none = try await organization.command("check", "--mapping")
            #expect(none.status == 2 && none.errors.contains("no entry would be exported"))
            let wrong = try await organization.command("check", "uid=a0,dc=a")
            #expect(wrong.status == 2 && wrong.errors.contains("--mapping"))
        }
    }

    @Test("reads a mapping of the user's own, and tells its mistakes with their lines")
    func ownMapping() async throws {
        try await withRequestor(people: 1) { organization in
            try organization.reconfigure("mapping: inetOrgPerson", "mapping: { file: mapping.yaml }")
            try organization.write(
                "basedOn: inetOrgPerson\nexport:\n  company: [o, noSuchType, { constant: Acme }]\n", to: "mapping.yaml")
            let unknown = try await organization.command("check", "--mapping")
            #expect(unknown.status == 1 && unknown.output.contains("does not have: noSuchType"), "\(unknown)")
            #expect(unknown.output.contains("Acme"))
            try organization.write("basedOn: inetOrgPerson\nexport:\n  companie: o\n", to: "mapping.yaml")
            let wrong = try await organization.command("check")
            #expect(wrong.status == 2)
            #expect(
                wrong.errors.contains("\(organization.folder)/mapping.yaml:3:3: export.companie: "), "\(wrong.errors)")
        }
    }
}
