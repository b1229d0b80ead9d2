import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("A large import into a server with overlays, in transactions", .timeLimit(.minutes(10)))
struct ImportOverlayTests {
    enum Overlay: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case accesslog, memberof, refint

        var testDescription: String { rawValue }

        var configuration: SlapdConfiguration {
            var configuration = SlapdConfiguration.directory(self == .accesslog ? .accessLog : .sessionLog)
            configuration.logLevel = "stats"
            switch self {
            case .accesslog: break
            case .memberof:
                configuration.globalLines += ["moduleload memberof"]
                configuration.databaseLines += ["overlay memberof"]
            case .refint:
                configuration.globalLines += ["moduleload refint"]
                configuration.databaseLines += ["overlay refint", "refint_attributes member"]
            }
            return configuration
        }
    }

    private static let runsAll = ProcessInfo.processInfo.environment["INTERORG_TEST_ALL"] == "1"
    private static let batches = runsAll ? 20 : 1
    private static let size = 1_000

    private static func people(_ batch: Int, title: Value) -> [Change] {
        (1...size).map { .person(batch * size + $0, Value("p\(batch)-\($0)"), [.title: [title]]) }
    }

    @Test("is right, and the server lives", arguments: Overlay.allCases)
    func overlay(_ overlay: Overlay) async throws {
        try await withSlapd(overlay.configuration) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = .auto
            for batch in 1...Self.batches {
                try await destination.synchronize(Self.people(batch, title: "Boss"))
                try await destination.synchronize(Self.people(batch, title: "Head"))
            }
            let first = Self.size + 1
            for shift in 0...1 {
                try await destination.synchronize(
                    (0..<600).map { .group(900_000 + $0, Value("g\($0)"), of: [first + $0 + shift, first + $0 + 2]) })
            }
            try await destination.synchronize([.person(first + 5, "renamed", [.title: ["Head"]])])
            #expect(try await destination.problems().isEmpty)
            // One of a transaction is refused.
            try await destination.asAdministrator { try await $0.addPerson("z300", in: DirectoryImport.branchDN) }
            let logged = try await loggedWrites(overlay, server)
            try await destination.synchronize((1...600).map { .person(800_000 + $0, Value("z\($0)")) })
            #expect(try await destination.problems().map(\.id) == [.branch(800_300)])
            if overlay == .accesslog { #expect(try await loggedWrites(overlay, server) == logged + 599) }
            let ends = server.log.components(separatedBy: "oid=\(Self.endOfTransaction)").count - 1
            #expect(overlay == .accesslog ? ends == 0 : ends >= 2 * Self.batches + 3)

            try await check(destination, overlay)
            await server.stop()
            try await server.restart()
            try await check(destination, overlay)
        }
    }

    static let startOfTransaction = "1.3.6.1.1.21.1"
    static let endOfTransaction = "1.3.6.1.1.21.3"

    private func loggedWrites(_ overlay: Overlay, _ server: SlapdServer) async throws -> Int {
        guard overlay == .accesslog else { return 0 }
        let connection = try await server.connect()
        defer { connection.close() }
        return try await connection.entries(
            base: "cn=accesslog", filter: "(objectClass=auditAdd)", attributes: ["1.1"]
        ).count
    }

    private func check(_ destination: DirectoryImport, _ overlay: Overlay) async throws {
        let connection = try await destination.server.connect()
        defer { connection.close() }
        let entries = try await connection.entries(
            base: DirectoryImport.branchDN, attributes: ["title", "member", "memberOf"])
        #expect(entries.count == 1 + Self.batches * Self.size + 600 + 600)
        #expect(entries.filter { $0.text("title") == "Head" }.count == Self.batches * Self.size)
        let names = Set(entries.map { Array($0.dn.utf8) })
        var groups: [String: Set<[UInt8]>] = [:]
        for entry in entries where !entry["member"].isEmpty {
            #expect(entry["member"].count == 2 && names.isSuperset(of: entry["member"]))
            for member in entry["member"] {
                groups[String(decoding: member, as: UTF8.self), default: []].insert(Array(entry.dn.utf8))
            }
        }
        guard overlay == .memberof else { return }
        for entry in entries { #expect(Set(entry["memberOf"]) == groups[entry.dn] ?? []) }
    }

    @Test("leaves a replica with what its provider has, though one of a transaction was refused")
    func replica() async throws {
        try await withReplica { provider, replica in
            try await replica.waitUntilAsFar(as: provider)
            var destination = try DirectoryImport(into: provider)
            destination.transactions = .auto
            try await destination.synchronize([.person(1, "first")])
            try await destination.asAdministrator { try await $0.addPerson("z300", in: DirectoryImport.branchDN) }
            try await destination.synchronize((1...600).map { .person(800_000 + $0, Value("z\($0)")) })
            #expect(try await destination.problems().map(\.id) == [.branch(800_300)])
            try await replica.waitUntilAsFar(as: provider)
            let (wanted, found) = (try await uuids(provider), try await uuids(replica))
            #expect(wanted.count == 602 && wanted == found)
        }
    }

    private func uuids(_ server: SlapdServer) async throws -> [String: String] {
        let connection = try await server.connect()
        defer { connection.close() }
        return Dictionary(
            try await connection.entries(base: DirectoryImport.branchDN, attributes: ["entryUUID"])
                .map { ($0.dn, $0.text("entryUUID") ?? "") }, uniquingKeysWith: { $1 })
    }
}
