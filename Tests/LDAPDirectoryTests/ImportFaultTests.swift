import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("An import of which one LDAP call fails", .timeLimit(.minutes(10)))
struct ImportFaultTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        var name: String
        var fault: FaultyProxy.Fault
        /// Which calls fail in an ordinary run; each kind begins with another one.
        var first: Int
        var testDescription: String { name }
    }

    static let kinds = [
        Kind(name: "the connection is cut before it", fault: .cutBefore, first: 1),
        Kind(name: "the connection is cut before its answer", fault: .cutAfter, first: 2),
        Kind(name: "it is answered with 80 (other)", fault: .answer(80), first: 3),
        Kind(name: "it is answered with 51 (busy)", fault: .answer(51), first: 4),
    ]

    private static let runsAll = ProcessInfo.processInfo.environment["INTERORG_TEST_ALL"] == "1"

    // MARK: - Every kind of change

    private enum Before {
        static let hierarchy: [Change] = [
            .container(10, "sales"), .container(11, "support"), .container(12, "team", in: 10), .container(14, "old"),
        ]
        static let contents: [Change] = [
            .person(20, "alice", in: 10), .person(21, "bob", in: 10), .person(22, "carl", [.title: ["Boss"]]),
            .person(23, "dora", in: 12), .person(24, "erik"), .person(25, "erik"), .person(26, "frank"),
            .person(27, "gina"), .person(28, "hans"), .person(29, "ida"), .person(31, "lea"),
            .group(30, "staff", of: [20, 21, 25, 23, 28]), .group(32, "friends", of: [25, 26, 31, 23, 20]),
        ]
    }

    private enum After {
        static let hierarchy: [Change] = [
            .container(10, "marketing"), .container(13, "new", in: 11), .delete(14),
        ]
        static let contents: [Change] = [
            .person(40, "kate", in: 13), .person(22, "carl", [.title: ["Head"], .l: ["Cork"]]),
            .person(21, "bobby", in: 10), .person(20, "alice", in: 11), .person(26, "gina"), .person(27, "frank"),
            .delete(28), .delete(29), .person(39, "ida", [.title: ["Another"]]), .delete(24),
            .person(19, "lea"), .group(30, "staff", of: [20, 21, 25, 40]),
        ]
    }

    /// One import base of its own with what an earlier import has left there.
    private func start(_ name: String, in server: SlapdServer) async throws -> DirectoryImport {
        var destination = try DirectoryImport(into: server)
        try await destination.asAdministrator { connection in
            try await connection.addContainer(name, in: "dc=example")
        }
        destination.importBase = "ou=\(name),dc=example"
        destination.edition = "before"
        try await destination.synchronize(hierarchy: Before.hierarchy, Before.contents)
        return destination
    }

    private func change(_ destination: inout DirectoryImport) async throws {
        destination.edition = "after"
        try await destination.synchronize(hierarchy: After.hierarchy, After.contents)
    }

    @Test("ends up as without the fault when it is run again, whichever call it was", arguments: kinds)
    func everyCall(_ kind: Kind) async throws {
        try await withSlapd(.directory()) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                var ideal = try await start("ideal", in: server)
                try await change(&ideal)
                let expected = try await ideal.contents()
                #expect(try await ideal.problems().isEmpty)
                #expect(expected.count == 18)

                for number in stride(from: Self.runsAll ? 1 : kind.first, to: .max, by: Self.runsAll ? 1 : 4) {
                    var destination = try await start("n\(number)", in: server)
                    destination.url = proxy.url
                    proxy.strike(at: number, with: kind.fault)
                    try? await change(&destination)
                    guard proxy.hasStruck else { break }
                    proxy.rest()
                    destination.now += 86_400
                    let faults = try await faults(of: &destination, expected, change)
                    #expect(faults == [], "call \(number)")
                }
            }
        }
    }

    // MARK: - Transactions

    /// A request of a batch that is written in a transaction.
    struct Call: Sendable {
        var number: Int
        var kind: LDAPRequestKind

        static let all = [
            Call(number: 1, kind: .bind), Call(number: 1, kind: .extended), Call(number: 2, kind: .extended),
            Call(number: 1, kind: .add), Call(number: 2, kind: .add), Call(number: 300, kind: .add),
            Call(number: 601, kind: .add), Call(number: 1, kind: .modify), Call(number: 1, kind: .rename),
        ]
    }

    private func changeMuch(_ destination: inout DirectoryImport) async throws {
        destination.transactions = .auto
        destination.edition = "after"
        try await destination.synchronize(
            hierarchy: After.hierarchy,
            After.contents + (1...600).map { .person(1000 + $0, Value("p\($0)"), [.title: ["Boss"]]) })
    }

    @Test("ends up as without the fault if it is written in a transaction", arguments: kinds)
    func transaction(_ kind: Kind) async throws {
        try await withSlapd(.directory()) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                var ideal = try await start("ideal", in: server)
                try await changeMuch(&ideal)
                let expected = try await ideal.contents()
                #expect(expected.count == 618)
                for (index, call) in Call.all.enumerated() where Self.runsAll || index % 4 == kind.first - 1 {
                    var destination = try await start("n\(index)", in: server)
                    destination.url = proxy.url
                    proxy.strike(at: call.number, of: call.kind, with: kind.fault)
                    try? await changeMuch(&destination)
                    #expect(proxy.hasStruck)
                    proxy.rest()
                    destination.now += 86_400
                    // slapd 2.5 can crash when a connection ends in the middle of a transaction; whoever runs it starts it
                    // again.
                    if let status = try await server.restartAfterCrash() {
                        print("slapd has crashed: \(status), \(call)")
                    }
                    let faults = try await faults(of: &destination, expected, changeMuch)
                    #expect(faults == [], "\(call)")
                }
            }
        }
    }

    /// What is not as it should be after another run.
    private func faults(
        of destination: inout DirectoryImport, _ expected: [String: [String: [String]]],
        _ change: (inout DirectoryImport) async throws -> Void
    ) async throws -> [String] {
        try await change(&destination)
        var faults = try await destination.problems().map { "\($0.label ?? ""): \($0.reason)" }
        let found = try await destination.contents()
        for name in Set(expected.keys).union(found.keys).sorted() where expected[name] != found[name] {
            faults.append(
                "\(name): \(found[name]?.description ?? "missing"), not \(expected[name]?.description ?? "there")")
        }
        let before = try await destination.server.contextCSN()
        try await change(&destination)
        if try await destination.server.contextCSN() != before { faults.append("another run has written something") }
        return faults
    }
}
