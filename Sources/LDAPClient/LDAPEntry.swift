/// An attribute and its values, byte for byte.
public struct LDAPAttribute: Sendable, Hashable {
    /// The attribute description: a type and, possibly, options (`userCertificate;binary`).
    public var name: String
    /// The values, in the server's order, which means nothing in LDAP.
    public var values: [[UInt8]]

    /// An attribute with binary values.
    public init(_ name: String, _ values: [[UInt8]]) {
        self.name = name
        self.values = values
    }

    /// An attribute with text values, sent as UTF-8.
    public init(_ name: String, _ texts: String...) {
        self.name = name
        self.values = texts.map { Array($0.utf8) }
    }
}

/// An entry as a search returned it.
public struct LDAPEntry: Sendable, Hashable {
    /// The distinguished name as the server wrote it.
    public var dn: String
    /// The attributes that were asked for and may be read.
    public var attributes: [LDAPAttribute]
    /// The controls that came with the entry.
    public var controls: [LDAPControl]

    /// An entry from its parts.
    public init(dn: String, attributes: [LDAPAttribute], controls: [LDAPControl] = []) {
        self.dn = dn
        self.attributes = attributes
        self.controls = controls
    }

    /// The values of the attribute of that name, in any case; empty when the entry does not have it.
    public subscript(name: String) -> [[UInt8]] {
        for attribute in attributes where attribute.name.isEqualIgnoringASCIICase(to: name) {
            return attribute.values
        }
        return []
    }

    /// The first value of an attribute as text; nil when it is absent or not UTF-8.
    public func text(_ name: String) -> String? {
        self[name].first.flatMap { String(validating: $0, as: UTF8.self) }
    }
}

extension String {
    /// Attribute descriptions and OIDs are ASCII, and compare without regard to case (RFC 4512, section 2.5).
    func isEqualIgnoringASCIICase(to other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return zip(utf8, other.utf8).allSatisfy { $0 == $1 || $0.asciiLowercased == $1.asciiLowercased }
    }

    /// The string, with A to Z made a to z.
    var asciiLowercased: String {
        utf8.contains { $0 >= 0x41 && $0 <= 0x5A } ? String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self) : self
    }
}

extension UInt8 {
    /// The byte, with A to Z made a to z.
    var asciiLowercased: UInt8 {
        self >= 0x41 && self <= 0x5A ? self | 0x20 : self
    }
}
