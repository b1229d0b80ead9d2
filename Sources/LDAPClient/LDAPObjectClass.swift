/// An object class (RFC 4512, section 4.1.1), without what it inherits.
public struct LDAPObjectClass: Sendable, Hashable {
    /// How a class is used (RFC 4512, section 2.4).
    public enum Kind: Sendable, Hashable {
        /// Only other classes are derived from it.
        case abstract
        /// Says what an entry is; an entry has exactly one chain of them.
        case structural
        /// May be added to entries.
        case auxiliary
    }

    /// The OID, like `2.5.6.6`; some servers write a name in its place.
    public let oid: String
    /// All names, as written.
    public let names: [String]
    /// What the class is called wherever classes are compared: its first name in lower case, or else its OID.
    public let key: String
    /// The classes that this one is derived from, as written.
    public let superiors: [String]
    /// How it is used.
    public let kind: Kind
    /// The attributes that it requires, as written.
    public let must: [String]
    /// The attributes that it allows besides, as written.
    public let may: [String]

    init(_ definition: SchemaDefinition) {
        oid = definition.oid
        names = definition["NAME"]
        key = definition.key
        superiors = definition["SUP"]
        kind = definition.has("AUXILIARY") ? .auxiliary : definition.has("ABSTRACT") ? .abstract : .structural
        must = definition["MUST"]
        may = definition["MAY"]
    }
}
