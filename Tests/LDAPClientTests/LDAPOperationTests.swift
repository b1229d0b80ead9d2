import LDAPClient
import TestSupport
import Testing

@Suite("Operations on a real slapd")
struct LDAPOperationTests {
    @Test("entries are added, read, changed, compared, renamed and deleted")
    func allOperations() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let anna = server.personDN("anna")
            #expect(try await connection.add(dn: anna, attributes: person("anna")).code == .success)
            let entry = try #require(try await connection.entry(dn: anna))
            #expect(entry.dn == anna)
            #expect(entry["OBJECTCLASS"] == [Array("inetOrgPerson".utf8)])
            #expect(entry["telephoneNumber"] == [])

            try await connection.modify(
                dn: anna,
                [
                    LDAPModification(.add, "mail", "a@example", "b@example"),
                    LDAPModification(.replace, "title", "Dr."),
                    LDAPModification(.delete, "mail", "b@example"),
                ])
            let changed = try #require(try await connection.entry(dn: anna, attributes: ["mail", "title"]))
            #expect(changed.text("mail") == "a@example")
            #expect(changed.attributes.count == 2)
            try await connection.modify(dn: anna, [LDAPModification(.delete, "title")])
            #expect(try await connection.entry(dn: anna)?["title"] == [])

            let yes = try await connection.compare(dn: anna, attribute: "mail", value: Array("A@EXAMPLE".utf8))
            let no = try await connection.compare(dn: anna, attribute: "mail", value: Array("c@example".utf8))
            #expect(yes.code == .compareTrue && no.code == .compareFalse)

            try await connection.add(
                dn: "ou=away,\(server.suffix)",
                attributes: [LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", "away")])
            try await connection.rename(
                dn: anna, newRDN: "uid=anne", deleteOldRDN: true, newSuperior: "ou=away,\(server.suffix)")
            #expect(try await connection.entry(dn: anna) == nil)
            let renamed = try #require(try await connection.entry(dn: "uid=anne,ou=away,\(server.suffix)"))
            #expect(renamed["uid"] == [Array("anne".utf8)])
            try await connection.delete(dn: renamed.dn)
            #expect(try await connection.entry(dn: renamed.dn) == nil)
        }
    }

    @Test("a refused operation says what was being done, to what, and what the server said")
    func errors() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let dn = server.personDN("x")
            let syntax = await ldapError {
                try await connection.add(dn: dn, attributes: person("x", LDAPAttribute("telephoneNumber", "#1")))
            }
            #expect(
                syntax?.description
                    == "add \(dn): 21 invalidAttributeSyntax: telephoneNumber: value #0 invalid per syntax")
            try await connection.add(dn: dn, attributes: person("x"))
            let existing = await ldapError { try await connection.add(dn: dn, attributes: person("x")) }
            #expect(existing?.code == .entryAlreadyExists && existing?.isTransient == false)
            let nonLeaf = await ldapError { try await connection.delete(dn: server.peopleDN) }
            #expect(nonLeaf?.code == .notAllowedOnNonLeaf)
            let absent = await ldapError { try await connection.delete(dn: server.personDN("nobody")) }
            #expect(absent?.code == .noSuchObject && absent?.matchedDN == server.peopleDN)
            let twice = await ldapError {
                try await connection.modify(dn: dn, [LDAPModification(.add, "sn", "x")])
            }
            #expect(twice?.code == .attributeOrValueExists)
            let missing = await ldapError {
                try await connection.modify(dn: dn, [LDAPModification(.delete, "sn", "other")])
            }
            #expect(missing?.code == .noSuchAttribute)
            let filter = await ldapError { _ = try await connection.entries(base: dn, filter: "(uid=") }
            #expect(filter?.code == .filterError && filter?.operation == "search")
            let limited = await ldapError {
                _ = try await connection.entries(base: server.suffix, sizeLimit: 1)
            }
            #expect(limited?.code == .sizeLimitExceeded)
            let critical = await ldapError {
                try await connection.delete(dn: dn, controls: [LDAPControl(oid: "1.2.3.4", isCritical: true)])
            }
            #expect(critical?.code == .unavailableCriticalExtension)
            do {
                try await connection.delete(dn: server.personDN("nobody"))
                Issue.record("the deletion was not refused")
            } catch LDAPResultCode.noSuchObject {
                // As it has to be.
            }
        }
    }

    @Test("text that C would cut at a NUL is refused instead")
    func embeddedNUL() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let dn = server.personDN("victim")
            try await connection.add(dn: dn, attributes: person("victim"))
            let error = await ldapError { try await connection.delete(dn: dn + "\0-not") }
            #expect(error?.code == .parameterError)
            #expect(try await connection.entry(dn: dn) != nil)
        }
    }

    @Test("values are kept byte for byte: NUL, empty, every byte, one MiB")
    func binaryValues() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let every: [UInt8] = Array(0...255)
            let large = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let dn = server.personDN("binary")
            try await connection.add(
                dn: dn,
                attributes: person(
                    "binary", LDAPAttribute("jpegPhoto", [[0], every, large]), LDAPAttribute("userPassword", [[]])))
            let entry = try #require(try await connection.entry(dn: dn))
            #expect(Set(entry["jpegPhoto"]) == [[0], every, large])
            #expect(entry["userPassword"] == [[]])
            try await connection.modify(dn: dn, [LDAPModification(.replace, "jpegPhoto", [large.reversed()])])
            #expect(try await connection.entry(dn: dn)?["jpegPhoto"] == [large.reversed()])
        }
    }

    @Test("200 adds are in flight on one connection, more than fit, and none is lost")
    func concurrency() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let results = try await withThrowingTaskGroup(of: LDAPResultCode.self) { group in
                for number in 0..<200 {
                    let dn = server.personDN("c\(number)")
                    group.addTask { try await connection.add(dn: dn, attributes: person("c\(number)")).code }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results == Array(repeating: .success, count: 200))
            let found = try await connection.entries(base: server.peopleDN, scope: .oneLevel, attributes: ["1.1"])
            #expect(found.count == 200)
            #expect(found.allSatisfy { $0.attributes.isEmpty })
        }
    }

    @Test("the root DSE, the schema and an extended operation are read")
    func rootDSEAndSchema() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let rootDSE = try await connection.rootDSE()
            #expect(rootDSE.text("namingContexts") == server.suffix)
            #expect(rootDSE["supportedControl"].contains(Array(ContentSyncOID.request.utf8)))
            let schema = try await connection.schema(of: server.suffix)
            #expect(schema.objectClass("inetOrgPerson") != nil && schema.attributeType("telephoneNumber") != nil)
            // Who am I? RFC 4532.
            let whoAmI = try await connection.extended(oid: "1.3.6.1.4.1.4203.1.11.3")
            #expect(whoAmI.responseValue == Array("dn:\(server.rootDN)".utf8))
        }
    }

    @Test("what comes after close fails, and so does what is in flight")
    func closing() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            // A persistent search has no result as long as the connection lives.
            let search = connection.search(
                base: server.suffix, controls: [try ContentSyncRequest(mode: .refreshAndPersist).control()],
                isPersistent: true)
            var events = search.makeAsyncIterator()
            #expect(try await events.next() != nil)
            connection.close()
            connection.close()
            #expect(!connection.isOpen)
            let inFlight = await ldapError { while try await events.next() != nil {} }
            #expect(inFlight?.code == .serverDown && inFlight?.isTransient == true)
            let later = await ldapError { try await connection.delete(dn: server.suffix) }
            #expect(later?.code == .serverDown && later?.operation == "delete")
        }
    }
}
