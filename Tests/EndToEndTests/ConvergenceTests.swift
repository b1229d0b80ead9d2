import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("Three organizations", .serialized)
struct ConvergenceTests {
    /// `scripts/test --all`
    private static let runsAll = ProcessInfo.processInfo.environment["INTERORG_TEST_ALL"] == "1"

    @Test("have one address book, and one more cycle of everybody writes nothing", .timeLimit(.minutes(10)))
    func oneAddressBook() async throws {
        try await withExchange(people: 20, every: "1h") { exchange in
            try exchange.start()
            try await waitUntil("every control socket is there") {
                exchange.organizations.allSatisfy {
                    FileManager.default.fileExists(atPath: "\($0.folder)/state/control.sock")
                }
            }
            try await waitUntil("the address books are equal") {
                for organization in exchange.organizations { _ = try await organization.command("sync") }
                return try await exchange.hasConverged()
            }
            let csns = try await contextCSNs(exchange)
            let usn = try await highestUSN(exchange)
            for _ in 0..<2 {
                for organization in exchange.organizations {
                    let result = try await organization.command("sync")
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(result.output == "0 exported, 0 imported, 0 refused, 0 held\n")
                }
            }
            #expect(try await contextCSNs(exchange) == csns)
            #expect(try await highestUSN(exchange) == usn)
            for organization in exchange.organizations {
                #expect(try await organization.command("problems").output == "no problems\n")
            }
        }
    }

    /// A kill comes at a random moment, while changes are made; the same seed gives the same changes and moments.
    @Test(
        "converge however often each service is killed and started again", .timeLimit(.minutes(10)),
        arguments: runsAll ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 20_261_121] : [UInt64(20_261_121)])
    func killedServices(seed: UInt64) async throws {
        // So many deletions as here would be held.
        try await withExchange(people: 30, configuration: "guard: { percent: 100 }") { exchange in
            var random = SeededGenerator(seed: seed)
            var changes = RandomChanges()
            try exchange.start()
            for round in 0..<(Self.runsAll ? 30 : 9) {
                try await changes.make(in: exchange.organizations, &random)
                let victim = exchange.organizations[round % 3]
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<1200, using: &random)))
                await victim.end(signal: SIGKILL)
                try await changes.make(in: exchange.organizations, &random)
                try victim.start()
            }
            try await exchange.converge()
            for organization in exchange.organizations {
                #expect(try await organization.command("problems").output == "no problems\n", "seed \(seed)")
            }
            let csns = try await contextCSNs(exchange)
            for organization in exchange.organizations { _ = try await organization.command("sync") }
            #expect(try await contextCSNs(exchange) == csns)
        }
    }

    private func contextCSNs(_ exchange: Exchange) async throws -> [[[UInt8]]] {
        var csns: [[[UInt8]]] = []
        for organization in exchange.organizations { csns.append(try await organization.contextCSN()) }
        return csns
    }

    private func highestUSN(_ exchange: Exchange) async throws -> Int? {
        try await exchange.master.command("status", "--json").json()["highestUSN"] as? Int
    }
}
