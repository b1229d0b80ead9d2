import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("The placement of imported entries")
struct ImportPlacementTests {
    private func withImport(_ placement: String, _ body: (DirectoryImport) async throws -> Void) async throws {
        try await withSlapd(.directory()) { server in
            var destination = try DirectoryImport(into: server)
            destination.placement = try PlacementTemplate(placement)
            try await body(destination)
        }
    }

    private static let hierarchy: [Change] = [.container(9, "sales"), .container(8, "team", in: 9)]
    private static let contents: [Change] = [
        .person(1, "alice", in: 9, [.sn: ["Ash"], .givenName: ["Alice"]]),
        .person(2, "bob", in: 8, [.sn: ["Oak"]]), .group(3, "staff", of: [1, 2]),
    ]

    @Test(
        "is what the template says",
        arguments: [
            (
                "uid={alias},ou={organization}",
                ["cn=staff,ou=branch", "uid=alice,ou=branch", "uid=bob,ou=branch"]
            ),
            (
                // Bob lacks a first name: he gets the name of his home.
                "cn={sn}\\, {givenName},{containers},ou={organization}",
                [
                    "cn=Ash\\2C Alice,ou=sales,ou=branch", "cn=staff,ou=branch", "ou=sales,ou=branch",
                    "ou=team,ou=sales,ou=branch", "uid=bob,ou=team,ou=sales,ou=branch",
                ]
            ),
            ("uid={alias}", ["cn=staff", "uid=alice", "uid=bob"]),
            (
                "{name},ou=people,o={organization},l=abroad",
                [
                    "cn=staff,ou=people,o=branch,l=abroad", "l=abroad", "o=branch,l=abroad",
                    "ou=people,o=branch,l=abroad", "uid=alice,ou=people,o=branch,l=abroad",
                    "uid=bob,ou=people,o=branch,l=abroad",
                ]
            ),
        ])
    func template(_ text: String, _ names: [String]) async throws {
        try await withImport(text) { destination in
            try await destination.synchronize(hierarchy: Self.hierarchy, Self.contents)
            #expect(try await destination.problems().isEmpty)
            #expect(try await destination.names() == names)
            let before = try await destination.server.contextCSN()
            var again = try DirectoryImport(into: destination.server)
            again.placement = destination.placement
            try await again.synchronize(hierarchy: Self.hierarchy, Self.contents)
            #expect(try await destination.server.contextCSN() == before)
            try await again.synchronize(hierarchy: [.delete(8), .delete(9)], [.delete(1), .delete(2), .delete(3)])
            try await again.synchronize()
            #expect(try await again.problems().isEmpty)
            #expect(try await again.names().filter { $0.contains("alice") || $0.contains("team") }.isEmpty)
        }
    }

    @Test("follows the field that it names")
    func fieldChanges() async throws {
        try await withImport("cn={displayName},ou={organization}") { destination in
            try await destination.synchronize([.person(1, "alice", [.displayName: ["Alice Ash"]])])
            #expect(try await destination.names() == ["cn=Alice Ash,ou=branch"])
            try await destination.synchronize([.person(1, "alice", [.displayName: ["Alice Oak"]])])
            #expect(try await destination.names() == ["cn=Alice Oak,ou=branch"])
            try await destination.synchronize([.person(1, "alice", [.displayName: []])])
            #expect(try await destination.names() == ["uid=alice,ou=branch"])
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("may become flat: entries move and containers go when all is offered again; and may be mirrored again")
    func toFlatAndBack() async throws {
        try await withImport("{name},{containers},ou={organization}") { destination in
            var destination = destination
            destination.offersAnyway = true
            try await destination.synchronize(hierarchy: Self.hierarchy, Self.contents)
            let mirrored = try await destination.contents()
            let uuid = try await destination.entry("uid=alice,ou=sales,ou=branch")?.text("entryUUID")

            destination.placement = try PlacementTemplate("uid={alias},ou={organization}")
            try await destination.synchronize(hierarchy: Self.hierarchy, Self.contents)
            try await destination.synchronize()
            #expect(
                try await destination.names() == ["cn=staff,ou=branch", "uid=alice,ou=branch", "uid=bob,ou=branch"])
            #expect(try await destination.problems().map(\.reason) == [])
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("entryUUID") == uuid)
            let staff = try #require(try await destination.entry("cn=staff,ou=branch"))
            #expect(
                Set(staff["member"])
                    == ["alice", "bob"].map { "uid=\($0),\(DirectoryImport.branchDN)" }.directoryValues)

            destination.placement = .mirroring
            try await destination.synchronize(hierarchy: Self.hierarchy, Self.contents)
            #expect(try await destination.problems().isEmpty)
            #expect(try await destination.contents() == mirrored)
        }
    }

    @Test("that is flat gives those of one name suffixes, across containers")
    func flatNames() async throws {
        try await withImport("uid={alias},ou={organization}") { destination in
            try await destination.synchronize(
                hierarchy: Self.hierarchy, [.person(2, "alice", in: 8), .person(1, "alice", in: 9)])
            #expect(
                try await destination.names() == [
                    "cn=alice\(EntryID.branch(2).suffix),ou=branch", "uid=alice,ou=branch",
                ])
            #expect(try await destination.problems().isEmpty)
        }
    }
}
