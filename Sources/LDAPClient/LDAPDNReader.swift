/// Parses the names of many entries, most of which have a parent in common: the parent is parsed once.
public struct LDAPDNReader: Sendable {
    private var parents: [Substring: LDAPDN] = [:]

    private static let parentsMax = 4_000
    /// Nobody's entries lie deeper.
    private static let depthMax = 32

    public init() {}

    /// Parses the string form of RFC 4514. Throws an ``LDAPError`` with `invalidDNSyntax`.
    public mutating func read(_ string: String) throws -> LDAPDN {
        try read(string, depth: 0)
    }

    /// - Parameter depth: how many names have been taken off it.
    private mutating func read(_ string: String, depth: Int) throws -> LDAPDN {
        var string = string
        // Without escapes and quotes the first comma ends the entry's own name.
        guard depth < Self.depthMax, let comma = string.withUTF8(Self.comma) else { return try LDAPDN(string) }
        let parent = try parent(string[string.utf8.index(string.startIndex, offsetBy: comma + 1)...], depth)
        if let rdn = string.withUTF8({ LDAPDN.RDN(plain: $0[..<comma]) }) { return parent.appending(rdn) }
        let own = try LDAPDN(String(decoding: string.utf8.prefix(comma), as: UTF8.self)).rdns
        return own.count == 1 ? parent.appending(own[0]) : try LDAPDN(string)
    }

    private mutating func parent(_ above: Substring, _ depth: Int) throws -> LDAPDN {
        if let known = parents[above] { return known }
        // A copy: a part of a text keeps all of it.
        let text = String(above)
        let parent = try read(text, depth: depth + 1)
        if parents.count >= Self.parentsMax { parents = [:] }
        parents[Substring(text)] = parent
        return parent
    }

    /// Where the first comma is; nil if there is none, or if something in the name does not mean what it says.
    private static func comma(in name: UnsafeBufferPointer<UInt8>) -> Int? {
        var comma: Int?
        for (index, byte) in name.enumerated() {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), 0: return nil
            case UInt8(ascii: ",") where comma == nil: comma = index
            default: break
            }
        }
        return comma
    }
}

extension LDAPDN.RDN {
    /// An RDN that means what it says, letter by letter, as most do; nil for those that libldap has to look at.
    fileprivate init?(plain text: Slice<UnsafeBufferPointer<UInt8>>) {
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let (type, value) = (text[..<equals], text[(equals + 1)...])
        guard !type.isEmpty, type.allSatisfy({ (0x61...0x7A).contains($0 | 0x20) }),
            let first = value.first, first != UInt8(ascii: " "), first != UInt8(ascii: "#"),
            value.last != UInt8(ascii: " "), !value.contains(where: Self.isSpecial)
        else { return nil }
        self.init(parts: [LDAPDN.AttributeValue(type: String(decoding: type, as: UTF8.self), value: Array(value))])
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
