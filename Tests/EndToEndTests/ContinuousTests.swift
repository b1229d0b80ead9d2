import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("A directory that is read continuously", .serialized)
struct ContinuousTests {
    /// With a shorter limit than the minute after which a cycle comes by itself: the agent waits for the change, not for
    /// the clock.
    @Test("shows its changes to the others as they happen", .timeLimit(.minutes(10)))
    func changes() async throws {
        try await withExchange(people: 3) { exchange in
            try exchange.start()
            try await exchange.converge()
            #expect(await exchange.a.end(signal: SIGTERM) == 0)
            try exchange.a.reconfigure("schedule: { every: 1s }", "schedule: { continuous: true }")
            try exchange.a.start()
            for name in ["first", "second"] {
                try await exchange.a.withDirectory { connection in
                    try await connection.addPerson(name, in: exchange.a.exportBase, title: "New")
                }
                try await exchange.wait(for: "the master's directory has the entry", limit: .seconds(45)) {
                    try await exchange.addressBook(of: exchange.a, in: exchange.master).contains {
                        $0.contains("uid=\(name)")
                    }
                }
            }
            let status = try await exchange.a.command("status")
            #expect(status.output.contains("exports \(exchange.a.exportBase): changes by contentSync"))
            #expect(exchange.a.log.components(separatedBy: "reading the directory").count == 2, "it is said once")
        }
    }
}
