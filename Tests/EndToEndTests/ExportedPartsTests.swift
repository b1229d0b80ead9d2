import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("What the configuration lets an organization export and import", .serialized)
struct ExportedPartsTests {
    private static let staff = "ou=staff,dc=a"

    /// The uids that an organization shows of another.
    private func uids(of organization: Organization, in viewer: Organization) async throws -> Set<String> {
        Set(
            try await viewer.withDirectory { connection in
                do {
                    return try await connection.entries(
                        base: "ou=\(organization.name),\(viewer.importBase)", filter: "(uid=*)", attributes: ["uid"]
                    ).compactMap { $0.text("uid") }
                } catch LDAPResultCode.noSuchObject {
                    return []
                }
            })
    }

    private func expect(
        _ uids: Set<String>, of organization: Organization, in viewers: [Organization]
    ) async throws {
        for viewer in viewers {
            try await waitUntil("\(viewer.name) shows \(uids.sorted()) of \(organization.name)") {
                try await self.uids(of: organization, in: viewer) == uids
            }
        }
    }

    @Test(
        "may be several bases: an entry that moves between them stays, and one of a base that is taken out goes",
        .timeLimit(.minutes(10)))
    func severalBases() async throws {
        try await withExchange(people: 0, configuration: "guard: { percent: 100 }") { exchange in
            let a = exchange.a
            try a.reconfigure(
                "export: [{ base: \"\(a.exportBase)\" }]",
                "export: [{ base: \"\(Self.staff)\" }, { base: \"\(a.exportBase)\" }]")
            try await a.withDirectory { connection in
                try await connection.add(
                    dn: Self.staff,
                    attributes: [LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", "staff")])
                for name in ["anna", "bert", "carl"] {
                    try await connection.addPerson(name, in: a.exportBase, title: "New")
                }
            }
            try exchange.start()
            let others = [exchange.master, exchange.b]
            try await expect(["anna", "bert", "carl"], of: a, in: others)

            // One move in each direction of the order in which the bases are read, and a deletion that is one.
            try await a.withDirectory { connection in
                try await connection.move("uid=anna", from: a.exportBase, to: Self.staff)
                try await connection.delete(dn: "uid=carl,\(a.exportBase)")
            }
            try await expect(["anna", "bert"], of: a, in: others)
            try await a.withDirectory { connection in
                try await connection.move("uid=anna", from: Self.staff, to: a.exportBase)
                try await connection.move("uid=bert", from: a.exportBase, to: Self.staff)
                try await connection.addPerson("dora", in: a.exportBase, title: "Last")
            }
            try await expect(["anna", "bert", "dora"], of: a, in: others)
            #expect(try await a.command("problems").output == "no problems\n")

            await a.end(signal: SIGTERM)
            try a.reconfigure("{ base: \"\(Self.staff)\" }, ", "")
            try a.start()
            try await expect(["anna", "dora"], of: a, in: others)
        }
    }

    @Test("may name a base that is not there: the others are exported", .timeLimit(.minutes(10)))
    func missingBase() async throws {
        try await withExchange(people: 2) { exchange in
            try exchange.a.reconfigure("export: [", "export: [{ base: \"ou=nowhere,dc=a\" }, ")
            try exchange.start()
            try await exchange.converge()
            let status = try await exchange.a.command("status")
            #expect(status.status == 3)
            #expect(status.output.contains("failing since"))
            #expect(status.output.contains("ou=nowhere,dc=a"))
        }
    }

    @Test("may be nothing to import: then what comes is acknowledged and not sent again", .timeLimit(.minutes(10)))
    func nothingImported() async throws {
        try await withExchange(people: 3) { exchange in
            try exchange.a.reconfigure("import: { base: \"\(exchange.a.importBase)\" }", "")
            try exchange.start()
            try await waitUntil("the master knows that the requestor has everything") {
                guard let status = try? await exchange.master.command("status", "--json").json() else { return false }
                let organizations = status["organizations"] as? [[String: Any]] ?? []
                let acknowledged = organizations.first { $0["organization"] as? String == "a" }?["acknowledgedUSN"]
                return status["highestUSN"] as? Int ?? 0 >= 9
                    && acknowledged as? Int == status["highestUSN"] as? Int
            }
            #expect(try await exchange.a.command("status", "--json").json()["parkedMails"] as? Int == 0)
        }
    }

    @Test("that two entries share a part of their names does not make them collide")
    func multiValuedNames() async throws {
        try await withExchange(people: 0, every: "1h") { exchange in
            try await exchange.a.withDirectory { connection in
                for uid in ["j1", "j2"] {
                    try await connection.add(
                        dn: "cn=John+uid=\(uid),\(exchange.a.exportBase)",
                        attributes: [
                            LDAPAttribute("objectClass", "inetOrgPerson"), LDAPAttribute("uid", uid),
                            LDAPAttribute("cn", "John"), LDAPAttribute("sn", "Smith"),
                        ])
                }
            }
            try exchange.start()
            try await waitUntil("they are there") {
                _ = try await exchange.a.command("sync")
                return try await uids(of: exchange.a, in: exchange.master) == ["j1", "j2"]
            }
            #expect(try await exchange.master.command("problems").output == "no problems\n")
        }
    }
}

extension LDAPConnection {
    fileprivate func move(_ name: String, from container: String, to other: String) async throws {
        try await rename(dn: "\(name),\(container)", newRDN: name, deleteOldRDN: false, newSuperior: other)
    }
}
