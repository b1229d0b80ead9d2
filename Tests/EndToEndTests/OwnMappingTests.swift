import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("Mappings of the users' own", .serialized)
struct OwnMappingTests {
    @Test("one at either end: each organization reads and writes as it says itself", .timeLimit(.minutes(10)))
    func bothEnds() async throws {
        try await withExchange(people: 2) { exchange in
            for organization in [exchange.a, exchange.b] {
                try organization.reconfigure("mapping: inetOrgPerson", "mapping: { file: mapping.yaml }")
            }
            try exchange.a.write(
                """
                basedOn: inetOrgPerson
                export:
                  title: { from: title, then: [{ replace: { pattern: '^Title', with: Grade } }], oneWay: true }
                  company: [o, { constant: Acme }]
                """, to: "mapping.yaml")
            try exchange.b.write(
                """
                basedOn: inetOrgPerson
                import:
                  o: null
                  businessCategory: company
                  employeeType: { constant: guest, when: (company=acme) }
                export:
                  company: businessCategory
                """, to: "mapping.yaml")
            try exchange.start()
            try await waitUntil("the entry has come") {
                let entry = try await exchange.b.withDirectory { connection in
                    try await connection.entry(dn: "uid=a1,ou=a,\(exchange.b.importBase)")
                }
                return entry?.text("title") == "Grade 1" && entry?.text("businessCategory") == "Acme"
                    && entry?.text("employeeType") == "guest" && entry?["o"] == []
            }
            // Nothing new writes nothing.
            let before = try await exchange.b.contextCSN()
            let again = try await exchange.b.command("sync")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try await exchange.b.contextCSN() == before)
        }
    }

    @Test("a placement or mapping that changes moves and modifies what was imported before", .timeLimit(.minutes(10)))
    func changedRules() async throws {
        try await withExchange(people: 2) { exchange in
            try await exchange.a.withDirectory { connection in
                let container = "ou=twins,\(exchange.a.exportBase)"
                try await connection.add(
                    dn: container,
                    attributes: [LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", "twins")])
                try await connection.addPerson("a1", in: container, title: "Twin")
            }
            try exchange.start()
            let old = "uid=a1,ou=a,\(exchange.b.importBase)"
            try await waitUntil("the entry has come") {
                try await exchange.b.withDirectory { try await $0.entry(dn: old) } != nil
            }
            let uuid = try await exchange.b.withDirectory { try await $0.entry(dn: old, attributes: ["entryUUID"]) }
            #expect(await exchange.b.end(signal: SIGTERM) == 0)
            try exchange.b.write(
                "basedOn: inetOrgPerson\nimport: { title: { from: title, then: [{ case: upper }], oneWay: true } }\n",
                to: "mapping.yaml")
            try exchange.b.reconfigure("mapping: inetOrgPerson", "mapping: { file: mapping.yaml }")
            try exchange.b.reconfigure("import: {", "import: { placement: \"uid={alias},ou=others\",")
            try exchange.b.start()
            // The twins want one name now, and one of them has it.
            try await waitUntil("the entries have moved") {
                let entries = try await exchange.b.withDirectory { connection in
                    try await connection.entries(
                        base: exchange.b.importBase, filter: "(uid=a1)",
                        attributes: ["title", "entryUUID"])
                }
                return Set(entries.compactMap { $0.text("title") }) == ["TITLE 1", "TWIN"]
                    && entries.contains { $0.text("entryUUID") == uuid?.text("entryUUID") }
                    && entries.contains { $0.dn == "uid=a1,ou=others,\(exchange.b.importBase)" }
            }
            let status = try await exchange.b.command("status").output
            #expect(status.contains(": another entry has uid=a1,ou=others,\(exchange.b.importBase)"), "\(status)")
            let left = try await exchange.b.withDirectory { connection in
                try await connection.entries(base: "ou=a,\(exchange.b.importBase)", filter: "(uid=*)")
            }
            #expect(left.isEmpty)
        }
    }
}
