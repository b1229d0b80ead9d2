import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("An import whose server is killed", .timeLimit(.minutes(10)))
struct ImportKillTests {
    private static let count = 3_000

    @Test(
        "goes on after kill -9 with what is missing, and doubles nothing", arguments: TransactionUse.allCases,
        [1, 2, 3])
    func killed(_ transactions: TransactionUse, _ quarter: Int) async throws {
        var configuration = SlapdConfiguration.directory()
        configuration.isDurable = true
        try await withSlapd(configuration) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                var destination = try DirectoryImport(into: server)
                destination.transactions = transactions
                destination.edition = "one"
                destination.url = proxy.url
                // Two of them have one name.
                let people = (1...Self.count).map { Change.person($0, Value("p\(max($0, 2))"), [.title: ["Boss"]]) }
                let groups: [Change] = [.group(9_000, "all", of: Array(1...100))]
                proxy.strike(at: Self.count * quarter / 4, of: .add, with: .wait { await server.kill9() })
                await #expect(throws: (any Error).self) { try await destination.synchronize(people + groups) }
                #expect(proxy.hasStruck)
                try await server.restart()
                try await destination.synchronize(people + groups)
                #expect(try await destination.problems().isEmpty)
                let contents = try await destination.contents()
                #expect(contents.count == Self.count + 2)
                #expect(Set(contents.values.compactMap { $0["interorgEntryUUID"]?.first }).count == Self.count + 1)
                #expect(contents.values.filter { $0["title"] == ["Boss"] }.count == Self.count)
                #expect(contents["cn=all,ou=branch"]?["member"]?.count == 100)
                let before = try await server.contextCSN()
                try await DirectoryImport(into: server).synchronize(people + groups)
                #expect(try await server.contextCSN() == before)
            }
        }
    }
}
