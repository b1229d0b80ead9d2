import AddressBook
import IncrementalSync
import LDAPClient
import TestSupport
import Testing

@Suite("Containers and groups that are imported")
struct ImportContainerTests {
    private func withImport(_ body: (DirectoryImport) async throws -> Void) async throws {
        try await withSlapd(.directory()) { server in try await body(DirectoryImport(into: server)) }
    }

    @Test("may come in any order")
    func anyOrder() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [
                    .container(3, "c", in: 2), .container(1, "a"), .container(4, "d", in: 3), .container(2, "b", in: 1),
                ],
                [.person(5, "alice", in: 4)])
            #expect(try await destination.entry("uid=alice,ou=d,ou=c,ou=b,ou=a,ou=branch") != nil)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("keep their contents when they are renamed and moved")
    func renameAndMove() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(1, "sales"), .container(2, "europe")],
                [.person(3, "alice", in: 1), .person(4, "bob", in: 1), .group(5, "team", of: [3, 4])])
            let report = try await destination.synchronize(hierarchy: [.container(1, "marketing", in: 2)])
            #expect(report.imported == 1)
            #expect(
                try await destination.names() == [
                    "cn=team,ou=branch", "ou=europe,ou=branch", "ou=marketing,ou=europe,ou=branch",
                    "uid=alice,ou=marketing,ou=europe,ou=branch", "uid=bob,ou=marketing,ou=europe,ou=branch",
                ])
            let members = try await destination.entry("cn=team,ou=branch")?["member"] ?? []
            #expect(
                Set(members)
                    == ["alice", "bob"].map {
                        "uid=\($0),ou=marketing,ou=europe,\(DirectoryImport.branchDN)"
                    }.directoryValues)
            // Where they stand now is known without looking for them.
            try await destination.synchronize([.person(3, "alice", in: 1, [.title: ["Boss"]])])
            let entry = try await destination.entry("uid=alice,ou=marketing,ou=europe,ou=branch")
            #expect(entry?.text("title") == "Boss")
        }
    }

    @Test("may change places with each other in one batch")
    func swapped() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(1, "upper"), .container(2, "lower", in: 1)], [.person(3, "alice", in: 2)])
            try await destination.synchronize(hierarchy: [.container(1, "upper", in: 2), .container(2, "lower")])
            #expect(
                try await destination.names() == [
                    "ou=lower,ou=branch", "ou=upper,ou=lower,ou=branch", "uid=alice,ou=lower,ou=branch",
                ])
        }
    }

    @Test("are where they are known to be when one further up moves later in the same batch")
    func movedAlong() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [
                    .container(1, "a"), .container(2, "b", in: 1), .container(3, "c", in: 2), .container(4, "z"),
                ])
            try await destination.synchronize(hierarchy: [.container(3, "team", in: 2), .container(1, "a", in: 4)])
            try await destination.synchronize([.person(5, "alice", in: 3)])
            #expect(try await destination.entry("uid=alice,ou=team,ou=b,ou=a,ou=z,ou=branch") != nil)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("are deleted with their contents, whatever of it comes first")
    func delete() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(1, "sales"), .container(2, "team", in: 1)], [.person(3, "alice", in: 2)])
            try await destination.synchronize(hierarchy: [.delete(1), .delete(2)], [.delete(3)])
            try await destination.synchronize()
            #expect(try await destination.names().isEmpty)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("wait, and are not deleted, while something of others is below them")
    func deleteWithForeignEntry() async throws {
        try await withImport { destination in
            try await destination.synchronize(hierarchy: [.container(1, "sales")])
            try await destination.asAdministrator { connection in
                try await connection.addPerson("theirs", in: "ou=sales,\(DirectoryImport.branchDN)")
            }
            try await destination.synchronize(hierarchy: [.delete(1)])
            #expect(try await destination.problems().map(\.kind) == [.waiting])
            #expect(try await destination.names() == ["ou=sales,ou=branch", "uid=theirs,ou=sales,ou=branch"])
        }
    }

    @Test("deleted and made again under the same name end up with that name")
    func recreated() async throws {
        try await withImport { destination in
            try await destination.synchronize(hierarchy: [.container(1, "sales")], [.person(3, "alice", in: 1)])
            try await destination.synchronize(
                hierarchy: [.delete(1), .container(2, "sales")], [.person(3, "alice", in: 2)])
            try await destination.synchronize()
            // slapd 2.5 (back-mdb) answers 80, "DN index add failed", to every rename of a container that holds an
            // entry older than itself; such a container keeps its suffix.
            let names = try await destination.names()
            withKnownIssue(isIntermittent: true) {
                #expect(names == ["ou=sales,ou=branch", "uid=alice,ou=sales,ou=branch"])
            }
            #expect(names.count == 2)
            #expect(names.last?.hasPrefix("uid=alice,ou=sales") == true)
        }
    }

    @Test("let an entry wait whose container has not come")
    func missingContainer() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(1, "alice", in: 9), .person(2, "bob")])
            #expect(try await destination.names() == ["uid=bob,ou=branch"])
            #expect(try await destination.problems().map(\.id) == [.branch(1)])
            try await destination.synchronize(hierarchy: [.container(9, "sales")])
            #expect(try await destination.entry("uid=alice,ou=sales,ou=branch") != nil)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("hold the members that are here, and get the others when those come")
    func groupMembers() async throws {
        try await withImport { destination in
            try await destination.synchronize([.group(1, "team", of: [2, 3]), .person(2, "alice")])
            let first = try await destination.entry("cn=team,ou=branch")?["member"] ?? []
            #expect(Set(first) == ["uid=alice,\(DirectoryImport.branchDN)"].directoryValues)
            #expect(try await destination.problems().map(\.kind) == [.waiting])
            // Cycles in which nothing comes leave the group waiting.
            for _ in 0..<2 { try await destination.synchronize() }
            #expect(try await destination.problems().map(\.id) == [.branch(1)])
            try await destination.synchronize([.person(3, "bob")])
            try await destination.synchronize()
            let second = try await destination.entry("cn=team,ou=branch")?["member"] ?? []
            #expect(Set(second) == ["alice", "bob"].map { "uid=\($0),\(DirectoryImport.branchDN)" }.directoryValues)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("name a member where it stands, though an interruption came between its rename and them")
    func interruptedRename() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(2, "alice"), .group(1, "team", of: [2])])
            // What a process has done that was killed before it came to the group.
            try await destination.asAdministrator { connection in
                try await connection.rename(
                    dn: "uid=alice,\(DirectoryImport.branchDN)", newRDN: "uid=alicia", deleteOldRDN: true)
            }
            try await destination.synchronize([.person(2, "alicia")])
            let team = try #require(try await destination.entry("cn=team,ou=branch"))
            #expect(Set(team["member"]) == ["uid=alicia,\(DirectoryImport.branchDN)"].directoryValues)
        }
    }

    @Test("keep a member that has taken the name which another one had before an interruption")
    func interruptedRenameAndNewcomer() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(2, "alice"), .group(1, "team", of: [2])])
            // A process has done all of this that was killed before it could record it.
            try await destination.asAdministrator { connection in
                try await connection.rename(
                    dn: "uid=alice,\(DirectoryImport.branchDN)", newRDN: "uid=alicia", deleteOldRDN: true)
                try await connection.modify(
                    dn: "cn=team,\(DirectoryImport.branchDN)",
                    [LDAPModification(.add, "member", "uid=alicia,\(DirectoryImport.branchDN)")])
            }
            try await destination.synchronize([
                .person(2, "alicia"), .person(3, "alice"), .group(1, "team", of: [2, 3]),
            ])
            let team = try #require(try await destination.entry("cn=team,ou=branch"))
            #expect(
                Set(team["member"])
                    == ["alicia", "alice"].map { "uid=\($0),\(DirectoryImport.branchDN)" }.directoryValues)
            // The next change of the one that had the name does not touch what the other one has now.
            try await destination.synchronize([.person(2, "alina")])
            let later = try #require(try await destination.entry("cn=team,ou=branch"))
            #expect(
                Set(later["member"])
                    == ["alina", "alice"].map { "uid=\($0),\(DirectoryImport.branchDN)" }.directoryValues)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("name a renamed member by its new name")
    func renamedMember() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(2, "alice"), .group(1, "team", of: [2])])
            try await destination.synchronize([.person(2, "alicia")])
            let members = try await destination.entry("cn=team,ou=branch")?["member"] ?? []
            #expect(Set(members) == ["uid=alicia,\(DirectoryImport.branchDN)"].directoryValues)
        }
    }

    @Test("may lose all their members and be renamed with none")
    func emptyGroup() async throws {
        try await withImport { destination in
            try await destination.synchronize([.person(2, "alice"), .group(1, "team", of: [2])])
            try await destination.synchronize([.delete(2), .group(1, "team", of: [])])
            try await destination.synchronize([.group(1, "empty team", of: [])])
            let entry = try #require(try await destination.entry("cn=empty team,ou=branch"))
            #expect(Set(entry["member"]) == ["cn=empty team,\(DirectoryImport.branchDN)"].directoryValues)
            #expect(try await destination.problems().isEmpty)
        }
    }
}

@Suite("Names that move within one batch")
struct ImportMovesTests {
    private func withImport(_ body: (DirectoryImport) async throws -> Void) async throws {
        try await withSlapd(.directory()) { server in try await body(DirectoryImport(into: server)) }
    }

    @Test("a container takes the name that another one has left, and what is in each stays in it")
    func freedContainerName() async throws {
        try await withImport { destination in
            try await destination.synchronize(
                hierarchy: [.container(1, "Current"), .container(2, "Sales", in: 1)], [.person(7, "alice", in: 2)])
            try await destination.synchronize(
                hierarchy: [
                    .container(1, "2024"), .container(3, "Current"), .container(4, "Sales", in: 3),
                    .container(5, "North", in: 4),
                ], [.person(8, "bob", in: 5)])
            #expect(
                try await destination.names() == [
                    "ou=2024,ou=branch", "ou=Current,ou=branch", "ou=North,ou=Sales,ou=Current,ou=branch",
                    "ou=Sales,ou=2024,ou=branch", "ou=Sales,ou=Current,ou=branch",
                    "uid=alice,ou=Sales,ou=2024,ou=branch", "uid=bob,ou=North,ou=Sales,ou=Current,ou=branch",
                ])
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("a group names another group by the name that this one gets in the same batch", arguments: [true, false])
    func groupOfRenamedGroup(isKnown: Bool) async throws {
        try await withImport { destination in
            try await destination.synchronize(
                [.person(1, "alice"), .group(2, "inner", of: [1])] + (isKnown ? [.group(3, "outer", of: [2])] : []))
            try await destination.synchronize([.group(2, "core", of: [1]), .group(3, "whole", of: [2, 1])])
            let outer = try #require(try await destination.entry("cn=whole,ou=branch"))
            #expect(
                Set(outer["member"])
                    == ["cn=core,\(DirectoryImport.branchDN)", "uid=alice,\(DirectoryImport.branchDN)"].directoryValues)
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("an entry that was imported before the server had our schema gets the stamp of the schema")
    func schemaLoadedLater() async throws {
        try await withSlapd(.directory(hasSchema: false)) { server in
            let destination = try DirectoryImport(into: server)
            try await destination.synchronize([.person(1, "alice"), .person(2, "bob")])
            try await server.restart(schemaFiles: [Repository.schema])
            try await destination.synchronize([.person(1, "alice", [.title: ["Boss"]])])
            #expect(try await destination.problems().map(\.reason) == [])
            let entry = try #require(try await destination.entry("uid=alice,ou=branch"))
            #expect(entry.text("title") == "Boss")
            #expect(entry.text("interorgEntryUUID") == EntryID.branch(1).uuid.text)
            // One that has the old stamp only is found, though the state has been lost.
            let restored = try DirectoryImport(into: server)
            try await restored.synchronize([.person(2, "bobby")])
            #expect(try await restored.names() == ["uid=alice,ou=branch", "uid=bobby,ou=branch"])
        }
    }
}
