import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport
import Testing

@Suite("A reading of which one LDAP call fails", .timeLimit(.minutes(10)))
struct ReadingFaultTests {
    private static let runsAll = ProcessInfo.processInfo.environment["INTERORG_TEST_ALL"] == "1"

    /// A base of its own, exported as it is before all kinds of change.
    private func start(_ name: String, in server: SlapdServer) async throws -> DirectoryExport {
        let export = try DirectoryExport(of: server, base: "ou=\(name),dc=example")
        let base = export.base
        _ = try await export.changes { connection in
            try await connection.addContainer(name, in: "dc=example")
            for unit in ["sales", "support", "old"] { try await connection.addContainer(unit, in: base) }
            try await connection.addContainer("team", in: "ou=sales,\(base)")
            for person in ["alice", "bob", "carl", "dora"] {
                try await connection.addPerson(person, in: "ou=sales,\(base)")
            }
            try await connection.addPerson("erik", in: "ou=team,ou=sales,\(base)")
            try await connection.addPerson("frank", in: base)
        }
        return export
    }

    private func change(_ export: DirectoryExport) async throws {
        let base = export.base
        let connection = try await export.server.connect()
        defer { connection.close() }
        try await connection.addPerson("kate", in: "ou=support,\(base)")
        try await connection.modify(
            dn: "uid=alice,ou=sales,\(base)", [LDAPModification(.replace, "title", [Array("Boss".utf8)])])
        try await connection.rename(dn: "uid=bob,ou=sales,\(base)", newRDN: "uid=bobby", deleteOldRDN: true)
        try await connection.rename(
            dn: "uid=carl,ou=sales,\(base)", newRDN: "uid=carl", deleteOldRDN: true, newSuperior: "ou=support,\(base)")
        try await connection.delete(dn: "uid=dora,ou=sales,\(base)")
        try await connection.addPerson("dora", in: "ou=sales,\(base)", LDAPAttribute("title", "Another"))
        try await connection.rename(
            dn: "ou=team,ou=sales,\(base)", newRDN: "ou=group", deleteOldRDN: true, newSuperior: "ou=support,\(base)")
        try await connection.delete(dn: "ou=old,\(base)")
        // Out of the base.
        try await connection.rename(
            dn: "uid=frank,\(base)", newRDN: "uid=frank-\(UUID())", deleteOldRDN: true,
            newSuperior: "ou=people,dc=example")
    }

    /// What the log has, without what differs between one base and another.
    private func contents(_ export: DirectoryExport) async throws -> [String] {
        let entries = try await export.entries()
        let names = Dictionary(uniqueKeysWithValues: entries.map { ($0.id.uuid, $0.name) })
        return entries.map { entry in
            let title = entry[.title].map(\.description).joined()
            return
                "\(entry.kind) \(entry.name) \(title) in \(entry.parent.map { "\(names[$0] ?? "nowhere")" } ?? "base")"
        }.sorted()
    }

    @Test(
        "ends up as without the fault when it is run again, whichever call it was", arguments: ServerKind.ways,
        ImportFaultTests.kinds)
    func everyCall(_ server: ServerKind, _ kind: ImportFaultTests.Kind) async throws {
        try await withSlapd(.directory(server)) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                let ideal = try await start("ideal", in: server)
                try await change(ideal)
                try await ideal.synchronize()
                let expected = try await contents(ideal)
                #expect(expected.count == 9)

                var count = 0
                for number in stride(from: Self.runsAll ? 1 : kind.first, to: .max, by: Self.runsAll ? 1 : 4) {
                    var export = try await start("n\(number)", in: server)
                    try await change(export)
                    export.url = proxy.url
                    proxy.strike(at: number, with: kind.fault)
                    _ = try? await export.synchronize()
                    guard proxy.hasStruck else { break }
                    count += 1
                    proxy.rest()
                    export.now += 60
                    try await export.synchronize()
                    #expect(try await contents(export) == expected, "call \(number)")
                    #expect(try await export.store.problems().isEmpty, "call \(number)")
                    // And it has come to an end.
                    #expect(try await export.changes().isEmpty, "call \(number)")
                }
                #expect(count > 1)
            }
        }
    }
}
