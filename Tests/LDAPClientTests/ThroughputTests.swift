import Foundation
import LDAPClient
import TestSupport
import Testing

/// Prints speeds; asserts on none. Runs only when `LDAP_THROUGHPUT` is set.
@Suite("Throughput", .enabled(if: ProcessInfo.processInfo.environment["LDAP_THROUGHPUT"] != nil))
struct ThroughputTests {
    private func measure(_ what: String, _ count: Int, _ body: () async throws -> Void) async rethrows {
        let duration = try await ContinuousClock().measure(body)
        let seconds = duration / .seconds(1)
        print("\(what): \(Int(Double(count) / seconds))/s")
    }

    @Test("adds, reads and names")
    func speeds() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let count = 10_000
            try await measure("adds, 32 tasks", count) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for start in 0..<32 {
                        group.addTask {
                            for number in stride(from: start, to: count, by: 32) {
                                let name = "t\(number)"
                                try await connection.add(dn: server.personDN(name), attributes: person(name))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await measure("entries read", count) {
                var read = 0
                for try await _ in connection.search(base: server.peopleDN, scope: .oneLevel) { read += 1 }
                #expect(read == count)
            }
        }
        let text = "uid=someone,ou=people,dc=example"
        try await measure("names parsed", 100_000) {
            for _ in 0..<100_000 { _ = try LDAPDN(text) }
        }
    }
}
