import Foundation
import TestSupport
import Testing

@Suite("The members of an exchange", .serialized)
struct MembershipTests {
    private static let aWithout = "organization: a, "
    private static let noGuard = "guard: { percent: 100 }"

    private func restartMaster(_ exchange: Exchange, _ old: String, _ new: String) async throws {
        #expect(await exchange.master.end(signal: SIGTERM) == 0)
        try exchange.master.reconfigure(old, new)
        try exchange.master.start()
    }

    private func waitFor(
        _ organization: Organization, in viewer: Organization, isThere: Bool, _ exchange: Exchange
    ) async throws {
        let home = try await exchange.addressBook(of: organization, in: organization)
        do {
            try await waitUntil("\(viewer.name) has \(organization.name): \(isThere)", limit: .seconds(240)) {
                // What is left of an organization without entries is its own container.
                try await exchange.addressBook(of: organization, in: viewer) == (isThere ? home : [])
            }
        } catch let error as TestSupportError {
            throw TestSupportError(
                "\(error.description)\n\(viewer.log.suffix(2000))\n\(exchange.master.log.suffix(4000))")
        }
    }

    @Test("get the entries that they may see, and lose those that they may not see any more", .timeLimit(.minutes(10)))
    func views() async throws {
        try await withExchange(people: 4, configuration: Self.noGuard) { exchange in
            let only = "organization: a, receives: [hq], "
            try exchange.master.reconfigure(Self.aWithout, only)
            try exchange.start()
            try await waitFor(exchange.master, in: exchange.a, isThere: true, exchange)
            try await waitFor(exchange.a, in: exchange.b, isThere: true, exchange)
            #expect(try await exchange.addressBook(of: exchange.b, in: exchange.a).isEmpty)
            try await restartMaster(exchange, only, "organization: a, receives: [hq, b], ")
            try await exchange.converge()
            try await restartMaster(exchange, "receives: [hq, b], ", "receives: [b], ")
            try await waitFor(exchange.master, in: exchange.a, isThere: false, exchange)
            try await waitFor(exchange.b, in: exchange.a, isThere: true, exchange)
            try await restartMaster(exchange, "receives: [b], ", "")
            try await exchange.converge()
            #expect(!exchange.organizations.contains { $0.log.contains("differ") })
        }
    }

    @Test("that offer nothing get everything, and are seen by nobody", .timeLimit(.minutes(10)))
    func offers() async throws {
        try await withExchange(people: 4, configuration: Self.noGuard) { exchange in
            try exchange.start()
            try await exchange.converge()
            let silent = "organization: a, offers: false, "
            try await restartMaster(exchange, Self.aWithout, silent)
            for viewer in [exchange.master, exchange.b] {
                try await waitFor(exchange.a, in: viewer, isThere: false, exchange)
            }
            try await exchange.b.withDirectory { connection in
                try await connection.addPerson("late", in: exchange.b.exportBase, title: "New")
            }
            try await waitFor(exchange.b, in: exchange.a, isThere: true, exchange)
            try await restartMaster(exchange, silent, Self.aWithout)
            try await exchange.converge()
        }
    }

    @Test("that leave are taken back through the guard, after saying so, and may come again", .timeLimit(.minutes(10)))
    func leaving() async throws {
        try await withExchange(people: 12) { exchange in
            try exchange.start()
            try await exchange.converge()
            let text = try String(contentsOfFile: exchange.master.configurationPath, encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.contains(Self.aWithout) })
            try await restartMaster(exchange, line + "\n", "")
            try await waitUntil("the deletions are held") {
                try await exchange.master.command("status").status == 4
            }
            let status = try await exchange.master.command("status").output
            #expect(status.contains("a is not in exchange.requestors any more: its entries are being deleted"))
            #expect(exchange.master.log.contains("its entries are deleted from the address book"))
            try await waitFor(exchange.a, in: exchange.b, isThere: true, exchange)
            #expect(try await exchange.master.command("problems", "release", "--all").status == 0)
            for viewer in [exchange.master, exchange.b] {
                // The others' guards hold them as well.
                try await waitUntil("\(viewer.name) holds the deletions") {
                    try await viewer.command("status").status == 4
                }
                #expect(try await viewer.command("problems", "release", "--all").status == 0)
                try await waitFor(exchange.a, in: viewer, isThere: false, exchange)
            }
            #expect(try await !exchange.master.command("status").output.contains("a is not in"))
            try await restartMaster(exchange, "requestors:\n", "requestors:\n\(line)\n")
            try await exchange.converge()
        }
    }

    @Test("have everything transferred anew when told to, and write nothing that they have", .timeLimit(.minutes(10)))
    func resynchronization() async throws {
        try await withExchange(people: 10) { exchange in
            try exchange.start()
            try await exchange.converge()
            for organization in exchange.organizations {
                #expect(try await organization.command("resync", "export").status == 0)
                #expect(try await organization.command("resync", "import").status == 0)
            }
            try await exchange.a.withDirectory { connection in
                try await connection.addPerson("late", in: exchange.a.exportBase, title: "New")
            }
            try await exchange.converge()
            let imported = exchange.b.log.split(separator: "\n").filter { $0.contains("reply imported") }
            let changes = imported.compactMap { $0.firstMatch(of: /changes=(\d+)/).flatMap { Int($0.1) } }
            #expect(!changes.isEmpty && changes.reduce(0, +) < 30, "what is there was imported again: \(changes)")
            for organization in exchange.organizations {
                #expect(try await organization.command("problems").output == "no problems\n")
            }
            let wrong = try await exchange.master.command("resync", "import", "nobody")
            #expect(wrong.status == 2 && wrong.errors.contains("known are: a, b"), "\(wrong.errors)")
        }
    }

    @Test("that run continuously get a change as it happens, without asking", .timeLimit(.minutes(10)))
    func standing() async throws {
        try await withExchange(people: 3) { exchange in
            try exchange.start()
            try await exchange.converge()
            for organization in exchange.organizations {
                #expect(await organization.end(signal: SIGTERM) == 0)
                try organization.reconfigure("schedule: { every: 1s }", "schedule: { continuous: true }")
                try organization.start()
            }
            try await waitUntil("b's first request is answered") { exchange.b.log.contains("reply imported") }
            for name in ["first", "second", "third"] {
                try await exchange.a.withDirectory { connection in
                    try await connection.addPerson(name, in: exchange.a.exportBase, title: "New")
                }
                try await waitUntil("b has \(name)", limit: .seconds(45)) {
                    try await exchange.addressBook(of: exchange.a, in: exchange.b).contains {
                        $0.contains("uid=\(name)")
                    }
                }
            }
            let requests = exchange.b.log.components(separatedBy: "request posted").count - 1
            #expect(requests <= 2, "b has asked \(requests) times")
        }
    }
}
