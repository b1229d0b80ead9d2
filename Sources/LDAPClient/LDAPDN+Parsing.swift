internal import CLDAP

extension LDAPDN {
    /// Parses the string form of RFC 4514. Throws an ``LDAPError`` with `invalidDNSyntax`.
    public init(_ string: String) throws {
        var parsed: UnsafeMutablePointer<CLDAP.LDAPRDN?>?
        // libldap would take a NUL for the end of the name.
        let hasNUL = string.utf8.contains(0)
        guard !hasNUL, ldap_str2dn(string, &parsed, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS else {
            throw LDAPError(
                code: .invalidDNSyntax, operation: "parse DN", subject: string,
                diagnosticMessage: hasNUL ? "a NUL has to be written as \\00" : "not a distinguished name (RFC 4514)")
        }
        guard let parsed else {
            self = .root
            return
        }
        defer { ldap_dnfree(parsed) }
        var rdns: [RDN] = []
        while let rdn = parsed[rdns.count] {
            var attributeValues: [AttributeValue] = []
            while let attributeValue = rdn[attributeValues.count] {
                attributeValues.append(AttributeValue(attributeValue.pointee))
            }
            rdns.append(RDN(parts: attributeValues))
        }
        self.init(rdns: rdns)
    }

    /// The string form of RFC 4514, escaped by libldap. Throws an ``LDAPError`` with `invalidDNSyntax` when a value
    /// that was parsed is not UTF-8, for which libldap has no string form.
    public func string() throws -> String {
        try Self.compose(rdns)
    }

    /// The string form of some relative names.
    fileprivate static func compose(_ rdns: [RDN]) throws -> String {
        if rdns.isEmpty { return "" }
        var arena = CArena(blockBytes: 1_000)
        var composed: [CLDAP.LDAPRDN] = []
        for rdn in rdns {
            var parts: [UnsafeMutablePointer<ldap_ava>] = []
            for part in rdn.attributeValues {
                parts.append(arena.pointer(to: part.structure(&arena)))
            }
            composed.append(arena.nullTerminated(parts))
        }
        var string = berval(bv_len: 0, bv_val: nil)
        // "Pretty" keeps letters that are not ASCII instead of writing them in hexadecimal.
        let code = ldap_dn2bv(arena.nullTerminated(composed), &string, LDAP_DN_FORMAT_LDAPV3 | LDAP_DN_PRETTY)
        guard code == LDAP_SUCCESS, string.bv_val != nil else {
            throw LDAPError(
                code: .invalidDNSyntax, operation: "compose DN", subject: rdns.map(\.normalized).joined(separator: ","),
                diagnosticMessage: "libldap cannot write this name")
        }
        defer { ldap_memfree(string.bv_val) }
        return String(decoding: string.bytes, as: UTF8.self)
    }
}

extension LDAPDN: CustomStringConvertible {
    /// The string form of RFC 4514.
    public var description: String {
        // The normalized form names the same entry; it differs in the case of letters.
        (try? string()) ?? normalized
    }
}

extension LDAPDN.RDN: CustomStringConvertible {
    /// An RDN of its parts. Throws an ``LDAPError`` with `invalidDNSyntax` when there are none, a type is not a name
    /// or an OID (RFC 4512, section 1.4), or a value is neither UTF-8 nor marked as BER.
    public init(_ attributeValues: [LDAPDN.AttributeValue]) throws {
        guard !attributeValues.isEmpty, attributeValues.allSatisfy(\.isValid) else {
            throw LDAPError(
                code: .invalidDNSyntax, operation: "compose DN",
                subject: attributeValues.map(\.type).joined(separator: "+"),
                diagnosticMessage: "an RDN needs types that are names or OIDs, and values that are UTF-8")
        }
        self.init(parts: attributeValues)
    }

    /// An RDN of one type and text. Throws as ``init(_:)`` does.
    public init(_ type: String, _ text: String) throws {
        try self.init([LDAPDN.AttributeValue(type: type, text: text)])
    }

    init(parts: [LDAPDN.AttributeValue]) {
        attributeValues = parts
        normalized =
            parts.count == 1
            ? parts[0].normalized : parts.map(\.normalized).sorted().joined(separator: "+")
    }

    /// The string form of RFC 4514, escaped by libldap; to be used as the `newRDN` of a rename.
    public var description: String {
        (try? LDAPDN.compose([self])) ?? normalized
    }
}

extension LDAPDN.AttributeValue {
    fileprivate init(_ structure: ldap_ava) {
        self.init(
            type: String(decoding: structure.la_attr.bytes, as: UTF8.self),
            value: Array(structure.la_value.bytes),
            isBER: structure.la_flags & LDAP_AVA_BINARY != 0
        )
    }

    fileprivate var isValid: Bool {
        hasValidType && (isBER || String(validating: value, as: UTF8.self) != nil)
    }

    private var hasValidType: Bool {
        guard let first = type.utf8.first else { return false }
        let isName = first.isASCIILetter
        return (isName || first.isASCIIDigit)
            && type.utf8.allSatisfy {
                $0.isASCIIDigit || (isName ? $0.isASCIILetter || $0 == UInt8(ascii: "-") : $0 == UInt8(ascii: "."))
            }
    }

    fileprivate func structure(_ arena: inout CArena) -> ldap_ava {
        ldap_ava(
            la_attr: arena.value(Array(type.utf8)),
            la_value: arena.value(value),
            la_flags: isBER ? LDAP_AVA_BINARY : LDAP_AVA_STRING,
            la_private: nil
        )
    }
}

extension UInt8 {
    var isASCIILetter: Bool { (0x61...0x7A).contains(self | 0x20) }
    var isASCIIDigit: Bool { (0x30...0x39).contains(self) }
}
