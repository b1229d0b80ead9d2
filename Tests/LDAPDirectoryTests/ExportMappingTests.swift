import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient
import TestSupport
import Testing

@Suite("A mapping of the user's own")
struct ExportMappingTests {
    /// The built-in mapping with another rule for the title.
    private func mapping(_ rule: String) throws -> Mapping {
        try Mapping("basedOn: inetOrgPerson\nexport:\n  title: \(rule)\n", file: "mine.yaml")
    }

    @Test("that has changed means that everything is compared, and what has become different is exported")
    func changed() async throws {
        try await withSlapd(.directory(sessionLogSize: 100)) { server in
            var export = try DirectoryExport(of: server)
            export.mapping = try mapping("title")
            _ = try await export.changes { connection in
                try await connection.addPerson("alice", LDAPAttribute("title", "Chief"))
                try await connection.addPerson("bob")
            }
            export.mapping = try mapping("{ from: title, then: [{ case: upper }], oneWay: true }")
            let changes = try await export.changes()
            #expect(changes.map { $0.entry?.name } == ["alice"])
            #expect(changes.first?.entry?[.title] == ["CHIEF"])
            #expect(try await export.changes() == [])
        }
    }

    @Test("decides by an entry's attributes, and a change of those is a change of the entry")
    func condition() async throws {
        try await withSlapd(.directory(sessionLogSize: 100)) { server in
            var export = try DirectoryExport(of: server)
            export.mapping = try mapping("{ from: title, when: (employeeType=staff), oneWay: true }")
            let added = try await export.changes { connection in
                try await connection.addPerson("alice", LDAPAttribute("title", "Chief"))
            }
            #expect(added.first?.entry?[.title] == [])
            let hired = try await export.changes { try await $0.set("employeeType", of: "alice", to: "Staff") }
            #expect(hired.map { $0.entry?[.title] } == [["Chief"]])
        }
    }
}
