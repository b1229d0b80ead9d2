/// A distinguished name (RFC 4514), parsed.
///
/// Two names are equal when their normalized forms are: types without regard to case and with the short names of
/// RFC 4514, values as `caseIgnoreMatch` compares them. Values of case-sensitive types are compared that way, too; only
/// the server knows the schema.
public struct LDAPDN: Sendable {
    /// One type and value of a relative distinguished name.
    public struct AttributeValue: Sendable, Hashable {
        /// The attribute type, as written.
        public var type: String
        /// The value without escapes; the BER encoding of it when ``isBER``.
        public var value: [UInt8]
        /// Whether the value was written as `#` and hexadecimal digits.
        public var isBER: Bool

        /// A type and a value.
        public init(type: String, value: [UInt8], isBER: Bool = false) {
            self.type = type
            self.value = value
            self.isBER = isBER
        }

        /// A type and a text.
        public init(type: String, text: String) {
            self.init(type: type, value: Array(text.utf8))
        }
    }

    /// A relative distinguished name: one attribute value, rarely several.
    public struct RDN: Sendable {
        /// The attribute values in the order they were written; never empty.
        public let attributeValues: [AttributeValue]
        /// The form for comparing.
        public let normalized: String
    }

    /// The relative names, the entry's own first; empty for the root.
    public let rdns: [RDN]
    /// The form for comparing: `cn=m\c3\bcller\2c anna,dc=example`. What would need an escape is written in hexadecimal, so
    /// every comma in it separates two RDNs; and what is not ASCII, too: of such texts Swift compares and hashes the bytes.
    public let normalized: String

    init(rdns: [RDN]) {
        self.init(
            rdns: rdns,
            normalized: rdns.count == 1 ? rdns[0].normalized : rdns.map(\.normalized).joined(separator: ","))
    }

    private init(rdns: [RDN], normalized: String) {
        self.rdns = rdns
        self.normalized = normalized
    }

    /// The root: the name with nothing in it.
    public static let root = LDAPDN(rdns: [])

    /// The entry's own relative name; nil for the root.
    public var rdn: RDN? { rdns.first }

    /// The name one level up; nil for the root.
    public var parent: LDAPDN? {
        guard let rdn else { return nil }
        if rdns.count == 1 { return .root }
        let above = normalized.utf8.index(normalized.startIndex, offsetBy: rdn.normalized.utf8.count + 1)
        return LDAPDN(rdns: Array(rdns.dropFirst()), normalized: String(normalized[above...]))
    }

    /// The name of an entry directly below this one.
    public func appending(_ child: RDN) -> LDAPDN {
        var all: [RDN] = []
        all.reserveCapacity(rdns.count + 1)
        all.append(child)
        all += rdns
        return LDAPDN(
            rdns: all, normalized: rdns.isEmpty ? child.normalized : child.normalized + "," + normalized)
    }

    /// Whether this name lies below the other, at any depth. No name lies below itself.
    public func isDescendant(of other: LDAPDN) -> Bool {
        guard rdns.count > other.rdns.count else { return false }
        if other.rdns.isEmpty { return true }
        let mine = normalized.utf8
        let suffix = other.normalized.utf8
        guard mine.count > suffix.count else { return false }
        let boundary = mine.index(mine.endIndex, offsetBy: -(suffix.count + 1))
        return mine[boundary] == UInt8(ascii: ",") && mine[mine.index(after: boundary)...].elementsEqual(suffix)
    }
}

extension LDAPDN: Hashable {
    /// Compares the normalized forms.
    public static func == (left: LDAPDN, right: LDAPDN) -> Bool {
        left.normalized == right.normalized
    }

    /// Hashes the normalized form.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(normalized)
    }
}

extension LDAPDN.RDN: Hashable {
    /// Compares the normalized forms.
    public static func == (left: LDAPDN.RDN, right: LDAPDN.RDN) -> Bool {
        left.normalized == right.normalized
    }

    /// Hashes the normalized form.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(normalized)
    }
}
