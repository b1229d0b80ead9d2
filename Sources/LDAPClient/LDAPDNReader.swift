/// Parses the names of many entries, most of which have a parent in common: the parent is parsed once.
public struct LDAPDNReader: Sendable {
    private var parents: [String: LDAPDN] = [:]

    private static let parentsMax = 1_000

    public init() {}

    /// Parses the string form of RFC 4514. Throws an ``LDAPError`` with `invalidDNSyntax`.
    public mutating func read(_ string: String) throws -> LDAPDN {
        // Without escapes and quotes the first comma ends the entry's own name.
        guard let comma = string.utf8.firstIndex(of: UInt8(ascii: ",")),
            !string.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == 0 })
        else { return try LDAPDN(string) }
        let above = String(string[string.utf8.index(after: comma)...])
        if let parent = parents[above] {
            if let rdn = LDAPDN.RDN(plain: string.utf8[..<comma]) { return parent.appending(rdn) }
            if let rdn = try LDAPDN(String(string[..<comma])).rdn { return parent.appending(rdn) }
        }
        let dn = try LDAPDN(string)
        if parents.count >= Self.parentsMax { parents = [:] }
        parents[above] = dn.parent
        return dn
    }
}

extension LDAPDN.RDN {
    /// An RDN that means what it says, letter by letter, as most do; nil for those that libldap has to look at.
    fileprivate init?(plain text: Substring.UTF8View) {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let value = text[text.index(after: equals)...]
        guard let type = String(text[..<equals]), type.utf8.allSatisfy({ (0x61...0x7A).contains($0 | 0x20) }),
            !type.isEmpty, let first = value.first, first != UInt8(ascii: " "), first != UInt8(ascii: "#"),
            value.last != UInt8(ascii: " "), !value.contains(where: Self.isSpecial)
        else { return nil }
        self.init(parts: [LDAPDN.AttributeValue(type: type, value: Array(value))])
    }

    /// What RFC 4514, section 3, calls special, and control characters.
    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "<"), UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "\\"):
            true
        default:
            false
        }
    }
}
