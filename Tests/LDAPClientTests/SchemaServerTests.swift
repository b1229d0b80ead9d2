import Foundation
import LDAPClient
import TestSupport
import Testing

@Suite("A real slapd's schema")
struct SchemaServerTests {
    @Test("is read whole, with that of Active Directory, NIS and our own")
    func wholeSchema() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let more = ["collective", "corba", "duaconf", "dyngroup", "java", "misc", "nis", "msuser", "openldap", "pmi"]
        let files = more.map { "/etc/ldap/schema/\($0).schema" } + ["\(root)/schemas/interorg.schema"]
        try await withSlapd(SlapdConfiguration(schemaFiles: files)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let schema = try await connection.schema(of: server.peopleDN)
            let subschema = try #require(
                try await connection.entry(dn: "cn=Subschema", attributes: ["attributeTypes", "objectClasses"]))
            #expect(schema.attributeTypes.count == subschema["attributeTypes"].count)
            #expect(schema.objectClasses.count == subschema["objectClasses"].count)
            #expect(schema.attributeTypes.count > 500 && schema.objectClasses.count > 100)
            #expect(schema.attributeTypes.allSatisfy { schema.attributeType($0.key) == $0 })
            #expect(schema.attributeTypes.allSatisfy { !$0.syntax.isEmpty && $0.oid.contains(".") })

            let phone = try #require(schema.attributeType("telephonenumber"))
            #expect(phone.syntax.hasSuffix(".50") && phone.lengthMax == 32 && phone.equality == "telephoneNumberMatch")
            let displayName = try #require(schema.attributeType("displayName"))
            #expect(displayName.isSingleValued && displayName.isUserModifiable)
            #expect(schema.attributeType("entryUUID")?.isUserModifiable == false)
            #expect(schema.key(of: "surname") == "sn")
            #expect(schema.objectClass("interorgEntry")?.kind == .auxiliary)
            #expect(schema.required(by: ["inetOrgPerson"]) == ["objectclass", "sn", "cn"])
            let allowed = schema.allowed(by: ["inetOrgPerson", "interorgGeneralPage"])
            #expect(allowed.keys?.isSuperset(of: ["mail", "uid", "co", "interorgassistant", "l"]) == true)
            #expect(allowed.keys?.contains("c") == false)
        }
    }

    @Test("states lengths that slapd does not enforce")
    func lengths() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let schema = try await connection.schema(of: server.suffix)
            try await connection.add(dn: server.personDN("anna"), attributes: person("anna"))
            for name in ["telephoneNumber", "title", "street", "mail", "description"] {
                let length = try #require(schema.attributeType(name)?.lengthMax)
                let value = Array(repeating: UInt8(ascii: "1"), count: length * 3)
                try await connection.modify(
                    dn: server.personDN("anna"), [LDAPModification(.replace, name, [value])])
            }
        }
    }
}
