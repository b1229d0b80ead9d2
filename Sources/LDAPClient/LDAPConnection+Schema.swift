extension LDAPConnection {
    /// What the server says about itself (RFC 4512, section 5.1): naming contexts, controls, extensions and more.
    public func rootDSE() async throws -> LDAPEntry {
        guard let entry = try await entry(dn: "", attributes: ["*", "+"]) else {
            throw LDAPError(
                code: .noSuchObject, operation: "search", subject: "", diagnosticMessage: "the server shows no root DSE"
            )
        }
        return entry
    }

    /// The schema that applies to an entry (RFC 4512, section 4.4). Throws `noSuchObject` when the entry or its subschema is not shown.
    public func schema(of dn: String = "") async throws -> LDAPSchema {
        guard let subschemaDN = try await entry(dn: dn, attributes: ["subschemaSubentry"])?.text("subschemaSubentry"),
            let subschema = try await entries(
                base: subschemaDN, scope: .base, filter: "(objectClass=subschema)",
                attributes: ["objectClasses", "attributeTypes"]
            ).first
        else {
            throw LDAPError(
                code: .noSuchObject, operation: "search", subject: dn,
                diagnosticMessage: "the server shows no subschema for this entry")
        }
        return LDAPSchema(
            attributeTypes: subschema["attributeTypes"].map { String(decoding: $0, as: UTF8.self) },
            objectClasses: subschema["objectClasses"].map { String(decoding: $0, as: UTF8.self) }
        )
    }
}
