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

    @Test("that was the master's is restored, and takes nothing back from anybody", .timeLimit(.minutes(10)))
    func restored() async throws {
        try await withExchange(people: 3) { exchange in
            try exchange.start()
            try await exchange.converge()
            let state = "\(exchange.master.folder)/state"
            #expect(await exchange.master.end(signal: SIGTERM) == 0)
            try FileManager.default.copyItem(atPath: state, toPath: state + ".backup")
            try exchange.master.start()
            try await exchange.a.withDirectory { connection in
                try await connection.addPerson("late", in: exchange.a.exportBase, title: "New")
            }
            try await exchange.converge()
            let before = [
                try await uuid(of: "late", of: exchange.a, in: exchange.master),
                try await uuid(of: "late", of: exchange.a, in: exchange.b),
            ]
            // Whose journal has what the backup lacks says nothing for a while.
            #expect(await exchange.a.end(signal: SIGTERM) == 0)
            #expect(await exchange.master.end(signal: SIGTERM) == 0)
            try FileManager.default.removeItem(atPath: state)
            try FileManager.default.moveItem(atPath: state + ".backup", toPath: state)
            try exchange.master.start()
            let asked = exchange.b.log.count
            try await waitUntil("the master says that it was restored, and b has its answer") {
                exchange.master.log.contains("restored from a backup")
                    && exchange.b.log.dropFirst(asked).contains("request posted")
            }
            let status = try await exchange.master.command("status")
            #expect(status.output.contains("until all is known again of"), "\(status.output)")
            try exchange.a.start()
            try await waitUntil("everybody has been heard") {
                exchange.master.log.contains("nobody is waited for any more")
            }
            try await exchange.converge()
            let after = [
                try await uuid(of: "late", of: exchange.a, in: exchange.master),
                try await uuid(of: "late", of: exchange.a, in: exchange.b),
            ]
            #expect(before == after, "it was deleted and added again")
        }
    }

    private func uuid(of name: String, of organization: Organization, in viewer: Organization) async throws -> String? {
        try await viewer.withDirectory { connection in
            try await connection.entry(
                dn: "uid=\(name),ou=\(organization.name),\(viewer.importBase)", attributes: ["entryUUID"])?
                .text("entryUUID")
        }
    }
}
