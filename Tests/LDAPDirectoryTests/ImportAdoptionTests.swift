import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("An entry that is there already and is nobody's")
struct ImportAdoptionTests {
    private func withImport(by attribute: String? = "mail", _ body: (DirectoryImport) async throws -> Void) async throws
    {
        try await withSlapd(.directory()) { server in
            var destination = try DirectoryImport(into: server)
            destination.adoption = attribute
            try await body(destination)
        }
    }

    private static let address: [Field: [Value]] = [.mail: ["alice@example.org"], .title: ["Boss"]]
    private static let old = "uid=old,\(SlapdServer.importBase)"

    /// What somebody has added by hand, or another tool.
    private static func addOld(_ connection: LDAPConnection) async throws {
        try await connection.addPerson(
            "old", in: SlapdServer.importBase, LDAPAttribute("mail", "Alice@Example.org"),
            LDAPAttribute("title", "Intern"), LDAPAttribute("description", "our note"),
            LDAPAttribute("userPassword", "secret"))
    }

    @Test("is adopted: it gets its place, its stamp and its fields, and keeps what else it has")
    func adopted() async throws {
        try await withImport { destination in
            try await destination.asAdministrator(Self.addOld)
            let uuid = try await destination.entry("uid=old")?.text("entryUUID")
            let people: [Change] = [.person(1, "alice", Self.address), .person(2, "bob", [.mail: ["b@example.org"]])]
            try await destination.synchronize(people)
            #expect(try await destination.problems().isEmpty)
            #expect(try await destination.names() == ["uid=alice,ou=branch", "uid=bob,ou=branch"])
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(entry.text("entryUUID") == uuid)
            #expect(entry.text("interorgEntryUUID") == EntryID.branch(1).uuid.text)
            #expect(Set(entry["title"]) == ["Boss"].directoryValues)
            #expect(Set(entry["mail"]) == ["alice@example.org"].directoryValues)
            #expect(Set(entry["uid"]) == ["alice"].directoryValues)
            #expect(Set(entry["cn"]) == ["alice"].directoryValues)
            #expect(entry.text("description") == "our note")
            #expect(entry.text("userPassword") == "secret")

            let before = try await destination.server.contextCSN()
            var again = try DirectoryImport(into: destination.server)
            again.adoption = "mail"
            try await again.synchronize(people)
            #expect(try await destination.server.contextCSN() == before)
            // From now on it is like any other.
            try await destination.synchronize([.person(1, "alicia", Self.address)])
            #expect(try await destination.entry("uid=alicia,ou=branch")?.text("entryUUID") == uuid)
            try await destination.synchronize([.delete(1)])
            #expect(try await destination.names() == ["uid=bob,ou=branch"])
        }
    }

    @Test("is left alone where adoption is not asked for")
    func offByDefault() async throws {
        try await withImport(by: nil) { destination in
            try await destination.asAdministrator(Self.addOld)
            try await destination.synchronize([.person(1, "alice", Self.address)])
            #expect(try await destination.names() == ["uid=alice,ou=branch", "uid=old"])
            #expect(try await destination.entry("uid=old")?.text("interorgEntryUUID") == nil)
        }
    }

    @Test("is adopted by nobody if there are two, and the problem names both")
    func ambiguous() async throws {
        try await withImport { destination in
            var destination = destination
            try await destination.asAdministrator { connection in
                try await Self.addOld(connection)
                try await connection.addPerson(
                    "older", in: SlapdServer.importBase, LDAPAttribute("mail", "alice@example.org"))
            }
            let before = try await destination.contents()
            try await destination.synchronize([.person(1, "alice", Self.address), .person(2, "bob")])
            let problems = try await destination.problems()
            #expect(problems.map(\.id) == [.branch(1)])
            #expect(problems.first?.reason.contains(Self.old) == true)
            #expect(problems.first?.reason.contains("uid=older,\(SlapdServer.importBase)") == true)
            let after = try await destination.contents()
            #expect(after["uid=old"] == before["uid=old"] && after["uid=older"] == before["uid=older"])
            #expect(try await destination.entry("uid=bob,ou=branch") != nil)

            try await destination.asAdministrator { try await $0.delete(dn: "uid=older,\(SlapdServer.importBase)") }
            destination.now += 86_400
            try await destination.synchronize()
            #expect(try await destination.problems().isEmpty)
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("description") == "our note")
        }
    }

    @Test("goes to the one with the lowest ID of two that could have it")
    func twoWishes() async throws {
        try await withImport { destination in
            try await destination.asAdministrator(Self.addOld)
            try await destination.synchronize([.person(2, "alina", Self.address), .person(1, "alice", Self.address)])
            #expect(try await destination.names() == ["uid=alice,ou=branch", "uid=alina,ou=branch"])
            #expect(try await destination.entry("uid=alice,ou=branch")?.text("description") == "our note")
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("is none if it has another entry's stamp")
    func stamped() async throws {
        try await withImport { destination in
            try await destination.asAdministrator { connection in
                try await Self.addOld(connection)
                try await connection.modify(
                    dn: Self.old,
                    [
                        LDAPModification(.add, "objectClass", "interorgEntry"),
                        LDAPModification(
                            .add, "interorgOrganizationID", OrganizationID(derivedFromName: "third").description),
                        LDAPModification(.add, "interorgEntryUUID", EntryID.branch(1).uuid.text),
                    ])
            }
            let before = try await destination.contents()["uid=old"]
            try await destination.synchronize([.person(1, "alice", Self.address)])
            #expect(try await destination.contents()["uid=old"] == before)
            #expect(try await destination.entry("uid=alice,ou=branch") != nil)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("stays as it is, and is one problem, if it cannot become a person")
    func otherStructure() async throws {
        try await withImport { destination in
            var destination = destination
            try await destination.asAdministrator { connection in
                try await connection.add(
                    dn: "cn=old,\(SlapdServer.importBase)",
                    attributes: [
                        LDAPAttribute("objectClass", "pilotPerson"), LDAPAttribute("cn", "old"),
                        LDAPAttribute("sn", "old"), LDAPAttribute("mail", "alice@example.org"),
                    ])
            }
            let before = try await destination.contents()["cn=old"]
            try await destination.synchronize([.person(1, "alice", Self.address), .person(2, "bob")])
            #expect(try await destination.contents()["cn=old"] == before)
            let problems = try await destination.problems()
            #expect(problems.map(\.id) == [.branch(1)])
            let reason = try #require(problems.first?.reason)
            #expect(reason.contains("cn=old,\(SlapdServer.importBase): 65 objectClassViolation"))
            #expect(try await destination.names() == ["cn=old", "uid=bob,ou=branch"])

            try await destination.asAdministrator { try await $0.delete(dn: "cn=old,\(SlapdServer.importBase)") }
            destination.now += 86_400
            try await destination.synchronize()
            #expect(try await destination.names() == ["uid=alice,ou=branch", "uid=bob,ou=branch"])
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("is adopted once, whichever call the import was interrupted at", arguments: ImportFaultTests.kinds)
    func interrupted(_ kind: ImportFaultTests.Kind) async throws {
        try await withSlapd(.directory()) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                for number in stride(from: kind.first, to: .max, by: 2) {
                    var destination = try DirectoryImport(into: server)
                    destination.adoption = "mail"
                    destination.edition = "one"
                    try await destination.asAdministrator(Self.addOld)
                    destination.url = proxy.url
                    proxy.strike(at: number, with: kind.fault)
                    _ = try? await destination.synchronize([.person(1, "alice", Self.address)])
                    let hasStruck = proxy.hasStruck
                    proxy.rest()
                    destination.now += 86_400
                    try await destination.synchronize([.person(1, "alice", Self.address)])
                    #expect(try await destination.names() == ["uid=alice,ou=branch"], "call \(number)")
                    #expect(try await destination.entry("uid=alice,ou=branch")?.text("description") == "our note")
                    #expect(try await destination.problems().isEmpty)
                    destination.edition = nil
                    try await destination.synchronize([.delete(1)])
                    try await destination.asAdministrator { try await $0.delete(dn: DirectoryImport.branchDN) }
                    guard hasStruck else { break }
                }
            }
        }
    }
}
