import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("Mappings of the users' own", .serialized)
struct OwnMappingTests {
    @Test("one at either end: each organization reads and writes as it says itself", .timeLimit(.minutes(2)))
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
}
