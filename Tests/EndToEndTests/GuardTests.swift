import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("An exchange in which something is wrong with entries", .serialized)
struct GuardTests {
    @Test("holds a mass deletion until a person releases it", .timeLimit(.minutes(10)))
    func massDeletion() async throws {
        try await withExchange(people: 30) { exchange in
            try exchange.start()
            try await exchange.converge()
            let before = try await exchange.addressBook(of: exchange.a, in: exchange.b)
            // A cycle in the middle of it would find fewer deletions than there are in the end.
            #expect(await exchange.a.end(signal: SIGTERM) == 0)
            try await deletePeople(0..<20, of: exchange.a)
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
        "shows an entry that a destination refuses as a problem there, and the rest converges", .timeLimit(.minutes(10))
    )
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
            // What was done, to which entry, the result code, the server's message, when and how often.
            for part in ["add uid=loud,", "19 constraintViolation", "attempts: ", " since 20", ", last 20", ", again "]
            {
                #expect(problems.output.contains(part))
            }
            try await exchange.a.withDirectory { connection in
                try await connection.modify(
                    dn: "uid=loud,\(exchange.a.exportBase)", [LDAPModification(.replace, "title", "Boss")])
            }
            try await exchange.converge()
            #expect(try await exchange.b.command("problems").status == 0)
        }
    }

    @Test("keeps the entries whose deletion a person refuses, until they are released", .timeLimit(.minutes(10)))
    func refusedDeletions() async throws {
        try await withExchange(people: 30) { exchange in
            let home = exchange.a
            #expect(try await home.command("sync", "--wait", "0").status == 3, "nobody answers")
            try await deletePeople(0..<20, of: home)
            #expect(try await home.command("sync", "--wait", "0").status == 3)
            #expect(try await home.command("problems").status == 4)

            let refused = try await home.command("problems", "refuse", "--all")
            #expect(refused.status == 0 && refused.output.contains("refused 20 deletions"))
            _ = try await home.command("sync", "--wait", "0")
            let kept = try await home.command("problems")
            #expect(kept.status == 0)
            #expect(kept.output.hasPrefix("refused by a person, the entries stay as they are:\nkept  "))
            #expect(kept.output.split(separator: "\n").count == 21)
            let status = try await home.command("status", "--json").json()
            #expect(status["held"] as? Int == 0 && status["problems"] as? Int == 0)

            let uuid = try #require(kept.output.split(separator: "\n").last?.split(separator: " ").dropFirst(2).first)
            #expect(try await home.command("problems", "release", String(uuid)).status == 0)
            _ = try await home.command("sync", "--wait", "0")
            #expect(try await home.command("problems").output.split(separator: "\n").count == 20)
            #expect(try await home.command("problems", "refuse", String(uuid)).status == 2, "it has happened")
        }
    }

    @Test(
        "lets as many deletions pass as are allowed once, and no more", .timeLimit(.minutes(10)),
        arguments: [false, true])
    func allowedDeletions(agentRuns: Bool) async throws {
        try await withExchange(people: 30, every: "1h") { exchange in
            let home = exchange.a
            if agentRuns {
                try home.start()
                try await waitUntil("the agent can be asked") {
                    FileManager.default.fileExists(atPath: "\(home.folder)/state/control.sock")
                }
            }
            _ = try await home.command("sync", "--wait", "0")
            try await deletePeople(0..<20, of: home)
            #expect(try await home.command("sync", "--wait", "0", "--allow-deletes", "0").status == 2)
            _ = try await home.command("sync", "--wait", "0", "--allow-deletes", "19")
            #expect(try await home.command("problems").output.split(separator: "\n").count == 20)
            // What is held already is among what is allowed.
            _ = try await home.command("sync", "--wait", "0", "--allow-deletes", "20")
            #expect(try await home.command("problems").output == "no problems\n")

            try await deletePeople(20..<21, of: home)
            _ = try await home.command("sync", "--wait", "0")
            #expect(try await home.command("problems").status == 4, "it was allowed once")
            _ = try await home.command("sync", "--wait", "0", "--allow-deletes", "1")
            #expect(try await home.command("problems").status == 0)
        }
    }

    @Test("says by the exit status of interorg sync that something is held", .timeLimit(.minutes(10)))
    func heldStatus() async throws {
        try await withExchange(people: 30, every: "1h") { exchange in
            let home = exchange.master
            #expect(try await home.command("sync", "--wait", "0").status == 0)
            try await deletePeople(0..<20, of: home)
            #expect(try await home.command("sync", "--wait", "0").status == 4)
        }
    }

    @Test("holds changes that empty a field in many entries", .timeLimit(.minutes(10)))
    func emptiedField() async throws {
        try await withExchange(people: 30, every: "1h") { exchange in
            let home = exchange.a
            _ = try await home.command("sync", "--wait", "0")
            try await home.withDirectory { connection in
                for number in 0..<12 {
                    let container = number.isMultiple(of: 2) ? "ou=sales," : ""
                    try await connection.modify(
                        dn: "uid=a\(number),\(container)\(home.exportBase)",
                        [LDAPModification(.replace, "title", [[UInt8]]())])
                }
            }
            _ = try await home.command("sync", "--wait", "0")
            let held = try await home.command("problems")
            #expect(held.status == 4)
            #expect(held.output.split(separator: "\n").count == 12)
            #expect(
                held.output.contains("change held: title emptied in 12 entries within 24 hours, more than 20 % of 30"))
            #expect(try await home.command("problems", "release", "--all").status == 0)
            _ = try await home.command("sync", "--wait", "0")
            #expect(try await home.command("problems").output == "no problems\n")
        }
    }

    @Test("tries a refused entry again when a person says so, and not a day later", .timeLimit(.minutes(10)))
    func retriedEntry() async throws {
        try await withExchange(
            people: 2, globalLines: ["moduleload constraint"],
            databaseLines: ["overlay constraint", "constraint_attribute title regex ^[^!]*$"]
        ) { exchange in
            try await exchange.a.withDirectory { connection in
                try await connection.addPerson("loud", in: exchange.a.exportBase, title: "Boss!")
            }
            try exchange.start()
            try await waitUntil("the problem is listed") { try await exchange.b.command("problems").status == 1 }
            let before = try await attempts(of: exchange.b)
            // The agent would try it after 30 seconds, and then after twice as long each time.
            let retried = try await exchange.b.command("problems", "retry")
            #expect(retried.status == 0 && retried.output.contains("1 problems are tried again in the next cycle"))
            _ = try await exchange.b.command("sync")
            #expect(try await attempts(of: exchange.b) > before)
            let nobody = "00000000-0000-4000-8000-000000000000"
            #expect(try await exchange.b.command("problems", "retry", nobody).status == 2)
        }
    }

    private func attempts(of organization: Organization) async throws -> Int {
        let output = try await organization.command("problems", "--json").output
        let problems = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]]
        return try #require(problems?.first?["attempts"] as? Int)
    }

    private func deletePeople(_ numbers: Range<Int>, of organization: Organization) async throws {
        try await organization.withDirectory { connection in
            for number in numbers {
                let container = number.isMultiple(of: 2) ? "ou=sales," : ""
                try await connection.delete(
                    dn: "uid=\(organization.name)\(number),\(container)\(organization.exportBase)")
            }
        }
    }
}
