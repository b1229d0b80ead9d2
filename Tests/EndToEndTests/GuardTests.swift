import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("An exchange in which something is wrong with entries", .serialized)
struct GuardTests {
    @Test("holds a mass deletion until a person releases it", .timeLimit(.minutes(2)))
    func massDeletion() async throws {
        try await withExchange(people: 30) { exchange in
            try exchange.start()
            try await exchange.converge()
            let before = try await exchange.addressBook(of: exchange.a, in: exchange.b)
            // A cycle in the middle of it would find fewer deletions than there are in the end.
            #expect(await exchange.a.end(signal: SIGTERM) == 0)
            try await exchange.a.withDirectory { connection in
                for number in 0..<20 {
                    let container = number.isMultiple(of: 2) ? "ou=sales," : ""
                    try await connection.delete(dn: "uid=a\(number),\(container)\(exchange.a.exportBase)")
                }
            }
            try exchange.a.start()
            try await waitUntil("the deletions are held") { try await exchange.a.command("status").status == 4 }
            let held = try await exchange.a.command("problems")
            #expect(held.status == 4)
            #expect(held.output.split(separator: "\n").count == 20)
            #expect(held.output.contains("deletion held: 20 deletions within 24 hours"))
            // What is held is in the way of nothing else.
            try await exchange.a.withDirectory { connection in
                try await connection.addPerson("late", in: exchange.a.exportBase, title: "Late")
            }
            try await waitUntil("the new entry has come") {
                try await exchange.addressBook(of: exchange.a, in: exchange.b).count == before.count + 1
            }

            let released = try await exchange.a.command("problems", "release", "--all")
            #expect(released.status == 0)
            #expect(released.output.contains("released 20 deletions"))
            // Each of the others decides for itself, the master twice: for the master database and for its directory.
            try await waitUntil("everybody has released them") {
                for receiver in [exchange.master, exchange.b] {
                    _ = try await receiver.command("problems", "release", "--all")
                }
                return try await exchange.hasConverged()
            }
            #expect(try await exchange.addressBook(of: exchange.a, in: exchange.b).count == before.count - 19)
        }
    }

    @Test(
        "shows an entry that a destination refuses as a problem there, and the rest converges", .timeLimit(.minutes(2)))
    func refusedEntry() async throws {
        try await withExchange(
            people: 6, globalLines: ["moduleload constraint"],
            databaseLines: ["overlay constraint", "constraint_attribute title regex ^[^!]*$"]
        ) { exchange in
            try await exchange.a.withDirectory { connection in
                try await connection.addPerson("loud", in: exchange.a.exportBase, title: "Boss!")
            }
            try exchange.start()
            let home = try await exchange.addressBook(of: exchange.a, in: exchange.a)
            try await waitUntil("everything else is there") {
                let inMaster = try await exchange.addressBook(of: exchange.a, in: exchange.master)
                let inB = try await exchange.addressBook(of: exchange.a, in: exchange.b)
                return inMaster == home && inB == home.filter { !$0.contains("loud") }
            }
            try await waitUntil("the problem is listed") { try await exchange.b.command("problems").status == 1 }
            let problems = try await exchange.b.command("problems")
            #expect(problems.output.split(separator: "\n").count == 1)
            #expect(problems.output.contains("loud"))
            #expect(problems.output.contains("constraintViolation"))

            try await exchange.a.withDirectory { connection in
                try await connection.modify(
                    dn: "uid=loud,\(exchange.a.exportBase)", [LDAPModification(.replace, "title", "Boss")])
            }
            try await exchange.converge()
            #expect(try await exchange.b.command("problems").status == 0)
        }
    }
}
