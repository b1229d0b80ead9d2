import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("A service whose state was lost", .serialized)
struct LostStateTests {
    @Test("finds its entries, and deletes what is gone since", .timeLimit(.minutes(10)), arguments: ["b", "hq"])
    func lost(name: String) async throws {
        try await withExchange(people: 6) { exchange in
            try exchange.start()
            try await exchange.converge()
            let victim = try #require(exchange.organizations.first { $0.name == name })
            #expect(await victim.end(signal: SIGTERM) == 0)
            try FileManager.default.removeItem(atPath: "\(victim.folder)/state")
            let gone = "uid=a1,\(exchange.a.exportBase)"
            try await exchange.a.withDirectory { try await $0.delete(dn: gone) }
            // Otherwise the deletion comes as a tombstone, and the lost state has nothing to do with it.
            #expect(try await exchange.a.command("sync").status == 0)
            #expect(await exchange.a.end(signal: SIGTERM) == 0)
            try FileManager.default.removeItem(atPath: "\(exchange.a.folder)/state")
            try victim.start()
            try exchange.a.start()
            try await exchange.converge()
            #expect(try await exchange.addressBook(of: exchange.a, in: victim).count == 6, "one of 6 and a container")
            for organization in exchange.organizations {
                #expect(try await organization.command("problems").output == "no problems\n")
            }
        }
    }
}
