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
        if let parent = parents[above], let rdn = try LDAPDN(String(string[..<comma])).rdn {
            return parent.appending(rdn)
        }
        let dn = try LDAPDN(string)
        if parents.count >= Self.parentsMax { parents = [:] }
        parents[above] = dn.parent
        return dn
    }
}
