/// The schema that a server applies to some entries (RFC 4512, section 4.2), each definition as the server wrote it.
public struct LDAPSubschema: Sendable, Hashable {
    /// The DN of the subschema entry.
    public var dn: String
    /// The definitions of object classes (RFC 4512, section 4.1.1).
    public var objectClasses: [String]
    /// The definitions of attribute types (RFC 4512, section 4.1.2).
    public var attributeTypes: [String]
}

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

    /// The schema that applies to an entry. Throws `noSuchObject` when the entry or its subschema is not shown.
    public func subschema(of dn: String = "") async throws -> LDAPSubschema {
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
        return LDAPSubschema(
            dn: subschema.dn,
            objectClasses: subschema["objectClasses"].map { String(decoding: $0, as: UTF8.self) },
            attributeTypes: subschema["attributeTypes"].map { String(decoding: $0, as: UTF8.self) }
        )
    }
}
