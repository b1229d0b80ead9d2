import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import SQLiteStore
import TestSupport
import Testing

@Suite("The first reading of a directory")
struct InitialReadTests {
    struct Fixture: Sendable, CustomTestStringConvertible {
        var name: String
        var suffix: String
        var testDescription: String { name }

        var configuration: SlapdConfiguration {
            get throws {
                SlapdConfiguration(
                    suffix: suffix, schemaFiles: [Repository.schema], initialLDIF: try Repository.fixture(name))
            }
        }
    }

    static let fixtures = [
        Fixture(name: "headquarters", suffix: "dc=hq,dc=example"),
        Fixture(name: "branch-a", suffix: "dc=a,dc=example"),
        Fixture(name: "branch-b", suffix: "dc=b,dc=example"),
    ]

    @Test("exports every address-book entry below the base, each under its entryUUID", arguments: fixtures)
    func everyEntry(fixture: Fixture) async throws {
        try await withSlapd(fixture.configuration) { server in
            let export = try DirectoryExport(of: server, base: "ou=people,\(fixture.suffix)")
            try await export.synchronize()
            let exported = try await export.entries()

            let connection = try await server.connect()
            // The stamp says that an entry is another organization's.
            let raw = try await connection.entries(
                base: export.base, filter: "(!(objectClass=interorgEntry))",
                attributes: ["*", "entryUUID"]
            ).filter { $0.dn.lowercased() != export.base }
            #expect(raw.count > 150)
            #expect(exported.count == raw.count)
            let byUUID = Dictionary(uniqueKeysWithValues: exported.map { ($0.id.uuid, $0) })
            #expect(byUUID.count == raw.count)
            for entry in raw {
                let uuid = try #require(entry.text("entryUUID").flatMap { UUID(uuidString: $0) })
                let found = try #require(byUUID[uuid], "\(entry.dn) is missing")
                try expect(found, isWhatAnAddressBookShowsOf: entry)
            }
        }
    }

    /// Compares name and mail, which every kind of entry shows as it stands.
    private func expect(_ entry: Entry, isWhatAnAddressBookShowsOf raw: LDAPEntry) throws {
        #expect(try LDAPDN(raw.dn).rdn?.attributeValues.first?.value == entry.name.bytes)
        if entry.kind == .person { #expect(raw["mail"] == entry[.mail].map(\.bytes)) }
    }

    @Test("lets nothing travel that the General page does not show")
    func privateAttributes() async throws {
        let fixture = Self.fixtures[2]
        try await withSlapd(fixture.configuration) { server in
            let export = try DirectoryExport(of: server, base: "ou=people,\(fixture.suffix)")
            try await export.synchronize()
            let entry = try #require(try await export.entry("much.private"))
            #expect(
                entry.fields == [
                    .sn: ["Private"], .displayName: ["Much Private"], .title: ["Shown"], .alias: ["much.private"],
                ])
        }
    }

    @Test("leaves nothing for the second one", arguments: [0, 1000])
    func nothingNew(sessionLogSize: Int) async throws {
        var configuration = try Self.fixtures[0].configuration
        configuration.sessionLogSize = sessionLogSize
        try await withSlapd(configuration) { server in
            let export = try DirectoryExport(of: server, base: "ou=people,\(Self.fixtures[0].suffix)")
            try await export.synchronize()
            let before = try await export.state(.contents).cursor()
            let report = try await export.synchronize()
            #expect(report.read == 0)
            #expect(report.imported == 0)
            #expect(try await export.state(.contents).cursor() == before)
        }
    }

    @Test("of an empty base is a success with nothing in it")
    func emptyBase() async throws {
        try await withSlapd(.directory()) { server in
            let export = try DirectoryExport(of: server)
            #expect(try await export.changes().isEmpty)
            let added = try await export.changes { try await $0.addPerson("alice") }
            #expect(added.map(\.entry?.name) == ["alice"])
        }
    }
}
