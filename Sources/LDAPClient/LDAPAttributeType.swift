/// An attribute type (RFC 4512, section 4.1.2), with what it inherits from its superiors.
public struct LDAPAttributeType: Sendable, Hashable {
    /// What an attribute is for.
    public enum Usage: String, Sendable, Hashable {
        case userApplications, directoryOperation, distributedOperation, dSAOperation
    }

    /// The OID, like `2.5.4.20`; some servers write a name in its place.
    public let oid: String
    /// All names, as written; some types have none.
    public let names: [String]
    /// What the type is called wherever types are compared: its first name in lower case, or else its OID.
    public let key: String
    /// The type that this one is derived from, as written.
    public let superior: String?
    /// The matching rule for equality; nil when there is none, so that single values cannot be deleted or compared.
    public let equality: String?
    /// The OID of the syntax; empty when neither this type nor a superior has one.
    public let syntax: String
    /// The length that the syntax is stated with. A server need not enforce it, and slapd does not.
    public let lengthMax: Int?
    /// Whether an entry can have one value only.
    public let isSingleValued: Bool
    /// Whether clients may write it.
    public let isUserModifiable: Bool
    /// What it is for.
    public let usage: Usage

    private let valueSyntax: LDAPSyntax

    /// A type from its definition, and from those of its superiors, the nearest first.
    init(_ definition: SchemaDefinition, superiors: [SchemaDefinition]) {
        let chain = [definition] + superiors
        oid = definition.oid
        names = definition["NAME"]
        key = definition.key
        superior = definition["SUP"].first
        equality = chain.lazy.compactMap { $0["EQUALITY"].first }.first
        // The length belongs to the syntax that it stands behind.
        let stated = chain.lazy.compactMap { $0["SYNTAX"].first }.first ?? ""
        let parts = stated.split(separator: "{", maxSplits: 1)
        syntax = parts.first.map(String.init) ?? ""
        lengthMax = parts.count > 1 ? Int(parts[1].prefix { $0 != "}" }) : nil
        isSingleValued = definition.has("SINGLE-VALUE")
        isUserModifiable = !definition.has("NO-USER-MODIFICATION")
        usage = Usage(definition["USAGE"].first)
        valueSyntax = LDAPSyntax(syntax)
    }

    /// What is wrong with a value, like `"#" is not allowed in it`; nil when it conforms to the syntax.
    public func fault(in value: [UInt8]) -> String? {
        valueSyntax.fault(in: value)
    }
}

extension LDAPAttributeType.Usage {
    fileprivate init(_ word: String?) {
        self =
            [.directoryOperation, .distributedOperation, .dSAOperation].first { (usage: Self) in
                word?.isEqualIgnoringASCIICase(to: usage.rawValue) == true
            } ?? .userApplications
    }
}

extension SchemaDefinition {
    /// The first name in lower case, or else the OID.
    var key: String { (self["NAME"].first ?? oid).asciiLowercased }
}
