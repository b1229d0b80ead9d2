internal import CLDAP

extension LDAPSyntax {
    /// Whether it is a distinguished name for libldap, old forms included (RFC 1779, RFC 2253), as it is for slapd.
    /// ``LDAPDN`` reads the present form only.
    static func isName(_ value: [UInt8]) -> Bool {
        var text = value.map(CChar.init(bitPattern:)) + [0]
        return text.withUnsafeMutableBufferPointer { text in
            var name = berval(bv_len: ber_len_t(value.count), bv_val: text.baseAddress)
            var parsed: UnsafeMutablePointer<CLDAP.LDAPRDN?>?
            guard ldap_bv2dn(&name, &parsed, UInt32(LDAP_DN_FORMAT_LDAP)) == LDAP_SUCCESS else { return false }
            ldap_dnfree(parsed)
            return true
        }
    }

    /// A value of Name And Optional UID without the UID: `cn=Anna#'0101'B` names `cn=Anna` (RFC 4517, section 3.3.21).
    static func withoutUID(_ value: [UInt8]) -> [UInt8] {
        guard let sharp = value.lastIndex(of: UInt8(ascii: "#")) else { return value }
        let uid = value[(sharp + 1)...]
        guard uid.count >= 3, uid.starts(with: "'".utf8), uid.suffix(2).elementsEqual("'B".utf8),
            uid.dropFirst().dropLast(2).allSatisfy({ $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") })
        else { return value }
        return Array(value[..<sharp])
    }
}
