import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("An import that the server itself refuses, in whole or in part")
struct ImportServerRefusalTests {
    /// What the administrator has forbidden, and the words of the problem that follows from it.
    struct Prohibition: Sendable, CustomTestStringConvertible {
        var name: String
        var globalLines: [String] = []
        var lines: [String]
        var title: [Value]
        var words: [String]
        /// Which entries it hits: one with a modification, one with an addition, one that is renamed as well.
        var numbers = [1, 2, 4]
        var testDescription: String { name }
    }

    static let connector = "cn=connector,dc=example"

    private static let allowed = "access to * by dn.exact=\"\(connector)\" write by anonymous auth by * none"

    static let prohibitions = [
        Prohibition(
            name: "more than one value", globalLines: ["moduleload constraint"],
            lines: [allowed, "overlay constraint", "constraint_attribute title count 1"], title: ["A", "B"],
            words: ["19 constraintViolation"]),
        Prohibition(
            name: "a long value", globalLines: ["moduleload constraint"],
            lines: [allowed, "overlay constraint", "constraint_attribute title size 40000"],
            title: [Value(String(repeating: "x", count: 40_001))],
            words: ["19 constraintViolation", "title has 40001 characters, and the server states 32768"]),
        Prohibition(
            name: "writing one attribute",
            lines: [
                "access to attrs=title by dn.exact=\"\(connector)\" read by * none",
                allowed,
            ], title: ["Boss"], words: ["50 insufficientAccessRights", "check the server's access rules"],
            // slapd asks only for the entry itself when one is added (slapd.access(5), add_content_acl).
            numbers: [1, 4]),
    ]

    private static let connectorLDIF = """
        dn: \(connector)
        objectClass: organizationalRole
        objectClass: simpleSecurityObject
        cn: connector
        userPassword: admin-secret

        """

    @Test(
        "has one problem with the server's words, which is gone when its cause is; the rest is written",
        arguments: prohibitions)
    func prohibition(_ prohibition: Prohibition) async throws {
        let open = SlapdConfiguration.directory(globalLines: prohibition.globalLines, more: Self.connectorLDIF)
        try await withSlapd(open) { server in
            try await server.restart(databaseLines: [Self.allowed])
            var destination = try DirectoryImport(into: server)
            destination.bindDN = Self.connector
            try await destination.synchronize([.person(1, "alice", [.title: ["Head"]]), .person(4, "dora")])

            try await server.restart(databaseLines: prohibition.lines)
            try await destination.synchronize([
                .person(1, "alice", [.title: prohibition.title]), .person(2, "bob", [.title: prohibition.title]),
                .person(3, "carl"), .person(4, "dorothy", [.title: prohibition.title]),
            ])
            let problems = try await destination.problems()
            #expect(Set(problems.map(\.id)) == Set(prohibition.numbers.map { .branch($0) }))
            for problem in problems {
                #expect(problem.answer?.resultCode == Int(prohibition.words[0].prefix(2)))
                #expect(problem.answer.map { ["add", "modify"].contains($0.operation) } == true)
                for words in prohibition.words { #expect(problem.reason.contains(words), "\(problem.reason)") }
            }
            #expect(try await destination.entry("uid=carl,ou=branch") != nil)

            try await server.restart(databaseLines: [Self.allowed])
            destination.now += 86_400
            try await destination.synchronize()
            #expect(try await destination.problems().isEmpty)
            for name in ["alice", "bob", "dorothy"] {
                let entry = try #require(try await destination.entry("uid=\(name),ou=branch"))
                #expect(Set(entry["title"]) == Set(prohibition.title.map(\.bytes)))
            }
        }
    }

    @Test("because a group may not be changed leaves the others alone, and is made good when it may")
    func protectedGroup() async throws {
        try await withSlapd(.directory(more: Self.connectorLDIF)) { server in
            try await server.restart(databaseLines: [Self.allowed])
            var destination = try DirectoryImport(into: server)
            destination.bindDN = Self.connector
            try await destination.synchronize([
                .person(1, "alice"), .person(2, "bob"), .person(4, "erik"), .person(5, "erik"),
                .group(3, "team", of: [1, 5]),
            ])
            try await server.restart(databaseLines: [
                "access to dn.exact=\"cn=team,\(DirectoryImport.branchDN)\" attrs=member "
                    + "by dn.exact=\"\(Self.connector)\" read by * none", Self.allowed,
            ])
            try await destination.synchronize([
                .person(1, "alicia"), .person(2, "bobby"), .person(6, "carl"), .delete(4),
            ])
            let problem = try #require(try await destination.problems().first)
            #expect(try await destination.problems().count == 1)
            #expect(problem.id == .branch(1))
            #expect(problem.reason.contains("modify cn=team,\(DirectoryImport.branchDN): 50 insufficientAccessRights"))
            // Those that the group has keep their names: others may want them.
            #expect(
                try await destination.names() == [
                    "cn=erik\(EntryID.branch(5).suffix),ou=branch", "cn=team,ou=branch", "uid=alice,ou=branch",
                    "uid=bobby,ou=branch", "uid=carl,ou=branch",
                ])

            try await server.restart(databaseLines: [Self.allowed])
            destination.now += 86_400
            try await destination.synchronize()
            #expect(try await destination.problems().isEmpty)
            let team = try #require(try await destination.entry("cn=team,ou=branch"))
            #expect(
                Set(team["member"])
                    == ["alicia", "erik"].map { "uid=\($0),\(DirectoryImport.branchDN)" }.directoryValues)
        }
    }

    @Test(
        "because it is a read-only copy is one error that says where to write, and leaves no problems",
        arguments: [true, false])
    func replica(hasContainer: Bool) async throws {
        try await withReplica { provider, replica in
            var destination = try DirectoryImport(into: provider)
            destination.edition = "before"
            if hasContainer {
                try await destination.synchronize(
                    hierarchy: [.container(9, "sales")], [.person(1, "alice"), .person(2, "bob")])
            }
            try await replica.waitUntilAsFar(as: provider)
            let before = try await provider.contextCSN()
            destination.url = await replica.url
            destination.edition = "after"
            let people = (3...1000).map { Change.person($0, Value("p\($0)")) }
            // Whatever would be written first.
            let changes: [[Change]] = [
                people, [.person(1, "alicia")], [.person(1, "alice", [.title: ["Boss"]])], [.delete(2)],
            ]
            for contents in changes {
                let error = await #expect(throws: DirectoryError.self) {
                    try await destination.synchronize(contents)
                }
                let text = "\(try #require(error))"
                #expect(text.contains(await provider.url))
                #expect(text.contains("directory.url"))
                #expect(try await destination.problems().isEmpty)
                guard hasContainer else { break }
            }
            if hasContainer {
                await #expect(throws: DirectoryError.self) {
                    try await destination.synchronize(hierarchy: [.container(9, "marketing")])
                }
            }
            #expect(try await provider.contextCSN() == before)
            // The cursor is where it was: the same changes come again, and are written where they can be.
            destination.url = nil
            #expect(try await destination.synchronize(people).imported == people.count)
        }
    }
}
