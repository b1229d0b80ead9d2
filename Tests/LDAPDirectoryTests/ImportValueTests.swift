import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("The values of an imported entry")
struct ImportValueTests {
    private static let long = Value([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20))

    struct Awkward: Sendable, CustomTestStringConvertible {
        var name: String
        var values: [Value]
        var testDescription: String { name }
    }

    static let awkwardValues = [
        Awkward(name: "leading blanks", values: ["  Boss"]),
        Awkward(name: "trailing blanks", values: ["Boss  "]),
        Awkward(name: "blanks only", values: ["   "]),
        Awkward(name: "nothing", values: [""]),
        Awkward(name: "newlines", values: ["\nBoss\r\n\nof all\n"]),
        Awkward(name: "NUL", values: ["Bo\0ss"]),
        Awkward(name: "1 MiB", values: [long]),
        Awkward(name: "bytes that are no UTF-8", values: [Value([0x42, 0xFF, 0xFE])]),
        Awkward(name: "two that differ in blanks", values: ["Boss", " Boss  "]),
        Awkward(name: "two that differ in case", values: ["Boss", "boss"]),
        Awkward(name: "the same twice", values: ["Boss", "Boss"]),
        Awkward(name: "LDIF and filter characters", values: [": <Boss", "*)(uid=*", "\\2a"]),
    ]

    /// Fields, and the attributes that they are imported into.
    private static let fields: [(Field, String)] = [
        (.title, "title"), (.displayName, "displayName"), (.street, "street"), (.l, "l"), (.company, "o"),
        (.telephoneNumber, "telephoneNumber"), (.mail, "mail"),
    ]

    @Test("are kept byte for byte, or are one problem that names them", arguments: awkwardValues)
    func kept(_ awkward: Awkward) async throws {
        try await withSlapd(.directory()) { server in
            func people(_ values: [Value]) -> [Change] {
                Self.fields.enumerated().map { .person($0.offset + 1, Value("p\($0.offset)"), [$0.element.0: values]) }
            }
            var destination = try DirectoryImport(into: server)
            // From what is plain, and to it.
            try await destination.synchronize(people(["Plain"]) + [.person(99, "bystander")])
            try await destination.synchronize(people(awkward.values) + [.person(99, "bystander", [.title: ["X"]])])
            try await expect(destination, awkward.values)
            try await destination.synchronize(people(["plain"]))
            #expect(try await destination.problems().isEmpty)
            // From nothing.
            try await destination.synchronize((1...Self.fields.count).map { .delete($0) })
            try await destination.synchronize(people(awkward.values))
            try await expect(destination, awkward.values)
            // The same again is nothing new.
            let before = try await server.contextCSN()
            destination.now += 86_400
            try await destination.synchronize()
            try await DirectoryImport(into: server).synchronize(people(awkward.values))
            #expect(try await server.contextCSN() == before)
        }
    }

    /// Each entry has its values, or is a problem with words.
    private func expect(_ destination: DirectoryImport, _ values: [Value]) async throws {
        let problems = try await destination.problems()
        #expect(Set(problems.map(\.id)).count == problems.count)
        for (index, (_, attribute)) in Self.fields.enumerated() {
            if let problem = problems.first(where: { $0.id == .branch(index + 1) }) {
                #expect(problem.kind == .refused)
                // What the address book shows becomes the common name as well.
                #expect(
                    problem.reason.contains(attribute) || attribute == "displayName" && problem.reason.hasPrefix("cn "))
                #expect(problem.reason.count < 500)
            } else {
                let entry = try #require(try await destination.entry("uid=p\(index),ou=branch"))
                #expect(Set(entry[attribute]) == Set(values.map(\.bytes)), "\(attribute)")
            }
        }
        #expect(try await destination.entry("uid=bystander,ou=branch") != nil)
    }

    /// Options make subtypes (RFC 4512, section 2.5.2.1), which a search for the attribute returns as well.
    @Test("leave those alone that an administrator has added under attribute options")
    func options() async throws {
        let configuration = SlapdConfiguration.directory(globalLines: ["attributeoptions lang- x-"])
        try await withSlapd(configuration) { server in
            let destination = try DirectoryImport(into: server)
            try await destination.synchronize([
                .person(1, "alice", [.telephoneNumber: ["1"], .title: ["Boss"], .mail: ["a@example.org"]])
            ])
            let added: [(String, [UInt8])] = [
                ("cn;lang-de", Array("Alize".utf8)), ("telephoneNumber;x-foo", Array("99".utf8)),
                ("title;lang-de", Array("Chefin".utf8)), ("mail;x-foo", Array("b@example.org".utf8)),
                ("uid;x-foo", Array("alice".utf8)), ("displayName;lang-de", Array("Alize".utf8)),
            ]
            try await destination.asAdministrator { connection in
                try await connection.modify(
                    dn: "uid=alice,\(DirectoryImport.branchDN)",
                    added.map { LDAPModification(.add, $0.0, [$0.1]) })
            }
            try await destination.synchronize([
                .person(1, "alicia", [.telephoneNumber: ["2"], .title: ["Head"], .mail: ["c@example.org"]])
            ])
            try await destination.synchronize([.person(1, "alicia")])
            #expect(try await destination.problems().isEmpty)
            let entry = try #require(try await destination.entry("uid=alicia,ou=branch"))
            for (name, value) in added { #expect(entry[name] == [value], "\(name)") }
            #expect(entry["telephoneNumber"].isEmpty && entry["title"].isEmpty && entry["mail"].isEmpty)
            // And it is as it should be.
            let before = try await server.contextCSN()
            try await DirectoryImport(into: server).synchronize([.person(1, "alicia")])
            #expect(try await server.contextCSN() == before)
        }
    }

    @Test("that are transferred as ;binary stay as an administrator has added them, also when the entry is renamed")
    func binary() async throws {
        try await withSlapd(.directory()) { server in
            try await TestCertificates.makeCA("alice", in: server.folder)
            let lines = try String(contentsOfFile: "\(server.folder)/alice.crt", encoding: .utf8).split(separator: "\n")
            let certificate = Array(
                try #require(Data(base64Encoded: lines.filter { !$0.hasPrefix("-----") }.joined())))
            let destination = try DirectoryImport(into: server)
            try await destination.synchronize([.person(1, "alice")])
            try await destination.asAdministrator { connection in
                try await connection.modify(
                    dn: "uid=alice,\(DirectoryImport.branchDN)",
                    [LDAPModification(.add, "userCertificate;binary", [certificate])])
            }
            try await destination.synchronize([.person(1, "alicia", [.title: ["Boss"]])])
            let entry = try #require(try await destination.entry("uid=alicia,ou=branch"))
            #expect(entry["userCertificate;binary"] == [certificate])
            #expect(entry.text("title") == "Boss")
            #expect(try await destination.problems().isEmpty)
        }
    }

    @Test("do not travel where they stand under attribute options", arguments: [true, false])
    func optionsAreNotExported(hasSyncProvider: Bool) async throws {
        var configuration = SlapdConfiguration.directory(globalLines: ["attributeoptions lang- x-"])
        configuration.hasSyncProvider = hasSyncProvider
        try await withSlapd(configuration) { server in
            let export = try DirectoryExport(of: server)
            let changes = try await export.changes { connection in
                try await connection.addPerson(
                    "alice", LDAPAttribute("title", "Boss"), LDAPAttribute("title;lang-de", "Chefin"),
                    LDAPAttribute("telephoneNumber;x-foo", "99"), LDAPAttribute("cn;lang-de", "Alize"),
                    LDAPAttribute("displayName;lang-de", "Alize"))
            }
            #expect(
                changes.first?.entry?.fields == [
                    .sn: ["alice"], .displayName: ["alice"], .title: ["Boss"], .alias: ["alice"],
                ])
            // Of such a value alone nothing travels.
            let more = try await export.changes { connection in
                try await connection.set("l;lang-de", of: "alice", to: "Korkstadt")
            }
            #expect(more.isEmpty)
        }
    }
}
