import AddressBook
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("A large import")
struct ImportTransactionTests {
    private static let count = 600

    private func withImport(
        _ transactions: TransactionUse, _ body: (DirectoryImport) async throws -> Void
    ) async throws {
        try await withSlapd(.directory()) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = transactions
            try await body(destination)
        }
    }

    private func people(refusing refused: Int? = nil) -> [Change] {
        (1...Self.count).map { number in
            .person(number, Value("p\(number)"), [.telephoneNumber: [number == refused ? "ä" : "1"]])
        }
    }

    @Test("is written whole, in transactions and without", arguments: TransactionUse.allCases)
    func whole(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            #expect(try await destination.synchronize(people()).imported == Self.count)
            #expect(try await destination.names().count == Self.count)
            // The same again writes nothing.
            let before = try await destination.server.contextCSN()
            try await destination.synchronize(people())
            #expect(try await destination.server.contextCSN() == before)
        }
    }

    @Test("is written but for the one entry that the server refuses", arguments: TransactionUse.allCases)
    func refused(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            let report = try await destination.synchronize(people(refusing: 317))
            #expect(report.imported == Self.count - 1)
            let problems = try await destination.problems()
            #expect(problems.map(\.id) == [people()[316].id])
            #expect(problems.first?.reason.contains("telephoneNumber") == true)
            #expect(try await destination.names().count == Self.count - 1)
        }
    }

    @Test("goes on where a part of it was written before an interruption", arguments: TransactionUse.allCases)
    func interrupted(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            try await destination.synchronize(people())
            // The state is one that knows nothing of it.
            var restored = try DirectoryImport(into: destination.server)
            restored.transactions = transactions
            #expect(try await restored.synchronize(people()).unchanged == Self.count)
            #expect(try await restored.names().count == Self.count)
            #expect(try await restored.problems().isEmpty)
        }
    }
}
