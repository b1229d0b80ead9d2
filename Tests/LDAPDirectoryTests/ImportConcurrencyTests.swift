import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("An administrator who changes what is being imported, between the look at it and the write")
struct ImportConcurrencyTests {
    private static let alice = "uid=alice,\(DirectoryImport.branchDN)"

    /// Imports while the administrator does something right before the first request of a kind.
    private func withInterference(
        before kind: LDAPRequestKind, _ contents: [Change],
        interference: @escaping @Sendable (LDAPConnection) async throws -> Void,
        _ body: (DirectoryImport) async throws -> Void
    ) async throws {
        try await withSlapd(.directory()) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                var destination = try DirectoryImport(into: server)
                try await destination.synchronize(
                    hierarchy: [.container(9, "sales")],
                    [.person(1, "alice", [.title: ["Boss", "Founder"]]), .group(8, "team", of: [1])])
                destination.url = proxy.url
                let imported = destination
                proxy.strike(
                    at: 1, of: kind,
                    with: .wait {
                        do {
                            try await imported.asAdministrator(interference)
                        } catch {
                            Issue.record(error)
                        }
                    })
                try await destination.synchronize(contents)
                #expect(proxy.hasStruck)
                #expect(try await destination.problems().isEmpty)
                try await body(destination)
                let before = try await server.contextCSN()
                try await DirectoryImport(into: server).synchronize(contents)
                #expect(try await server.contextCSN() == before)
            }
        }
    }

    private static func addStamped(_ name: String, _ number: Int, _ connection: LDAPConnection) async throws {
        try await connection.addPerson(name, in: DirectoryImport.branchDN, LDAPAttribute("mobile", "1234"))
        try await connection.modify(
            dn: "uid=\(name),\(DirectoryImport.branchDN)",
            [
                LDAPModification(.add, "objectClass", "interorgEntry"),
                LDAPModification(.add, "interorgOrganizationID", DirectoryImport.branch.description),
                LDAPModification(.add, "interorgEntryUUID", EntryID.branch(number).uuid.text),
            ])
    }

    @Test("a value that is to be deleted is gone already")
    func valueGone() async throws {
        try await withInterference(before: .modify, [.person(1, "alice", [.title: ["Founder"], .l: ["Cork"]])]) {
            try await $0.modify(
                dn: Self.alice,
                [LDAPModification(.delete, "title", "Boss"), LDAPModification(.add, "description", "our note")])
        } _: { destination in
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(Set(entry["title"]) == ["Founder"].directoryValues)
            #expect(entry.text("l") == "Cork")
            #expect(entry.text("description") == "our note")
        }
    }

    @Test("a value that is to be added is there already")
    func valueThere() async throws {
        try await withInterference(before: .modify, [.person(1, "alice", [.title: ["Boss", "Founder", "Head"]])]) {
            try await $0.modify(
                dn: Self.alice,
                [LDAPModification(.add, "title", "Head"), LDAPModification(.add, "mobile", "1234")])
        } _: { destination in
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(Set(entry["title"]) == ["Boss", "Founder", "Head"].directoryValues)
            #expect(entry.text("mobile") == "1234")
        }
    }

    @Test("the entry has been renamed, and moved to where its own name is")
    func renamed() async throws {
        try await withInterference(before: .modify, [.person(1, "alice", [.title: ["Head"]])]) {
            try await $0.rename(
                dn: Self.alice, newRDN: "uid=elsewhere", deleteOldRDN: true, newSuperior: SlapdServer.importBase)
        } _: { destination in
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(Set(entry["title"]) == ["Head"].directoryValues)
            #expect(Set(entry["uid"]) == ["alice"].directoryValues)
            #expect(
                try await destination.names() == ["cn=team,ou=branch", "ou=sales,ou=branch", "uid=alice,ou=branch"])
        }
    }

    @Test("the entry has been deleted")
    func deleted() async throws {
        try await withInterference(before: .modify, [.person(1, "alice", [.title: ["Head"]])]) {
            try await $0.delete(dn: Self.alice)
        } _: { destination in
            let entry = try await destination.entry("uid=alice,ou=branch")
            #expect(entry?.text("title") == "Head")
        }
    }

    @Test("the entry has been deleted before its rename")
    func deletedBeforeRename() async throws {
        try await withInterference(before: .rename, [.person(1, "alicia", in: 9)]) {
            try await $0.delete(dn: Self.alice)
        } _: { destination in
            let names = try await destination.names()
            #expect(names == ["cn=team,ou=branch", "ou=sales,ou=branch", "uid=alicia,ou=sales,ou=branch"])
        }
    }

    @Test("the entry that is to be added has been added, by another import with the same stamp")
    func added() async throws {
        try await withInterference(before: .add, [.person(2, "bob", [.title: ["Boss"]])]) { connection in
            try await Self.addStamped("bob", 2, connection)
        } _: { destination in
            let entry = try #require(try await destination.entry("uid=bob,ou=branch"))
            #expect(entry.text("title") == "Boss")
            #expect(entry.text("mobile") == "1234")
        }
    }

    @Test("another imported entry has got the name that a rename wants: one of them is displaced")
    func nameTaken() async throws {
        try await withInterference(before: .rename, [.person(1, "alicia")]) { connection in
            try await Self.addStamped("alicia", 2, connection)
        } _: { destination in
            #expect(
                Set(try await destination.names()) == [
                    "cn=alicia\(EntryID.branch(1).suffix),ou=branch", "cn=team,ou=branch", "ou=sales,ou=branch",
                    "uid=alicia,ou=branch",
                ])
            let team = try #require(try await destination.entry("cn=team,ou=branch"))
            #expect(
                Set(team["member"])
                    == ["cn=alicia\(EntryID.branch(1).suffix),\(DirectoryImport.branchDN)"].directoryValues)
        }
    }

    @Test("a container has been renamed while an entry is to be added to it")
    func containerRenamed() async throws {
        try await withInterference(before: .add, [.person(2, "bob", in: 9)]) {
            try await $0.rename(
                dn: "ou=sales,\(DirectoryImport.branchDN)", newRDN: "ou=theirs", deleteOldRDN: true)
        } _: { destination in
            let names = try await destination.names()
            #expect(
                names == [
                    "cn=team,ou=branch", "ou=theirs,ou=branch", "uid=alice,ou=branch", "uid=bob,ou=theirs,ou=branch",
                ])
        }
    }
}
