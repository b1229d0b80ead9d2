import Foundation
import MailTransport
import InterOrgProtocol
import StrictYAML

extension YAMLValue {
    /// The name of an organization, in Unicode normalization form C.
    func organizationName() -> String? {
        guard let text = text() else { return nil }
        let name = text.precomposedStringWithCanonicalMapping
        if let objection = OrganizationName.objection(to: name) {
            fail(objection)
            return nil
        }
        return name
    }

    /// A UUID (RFC 9562) other than the nil UUID.
    func uuid() -> UUID? {
        guard let text = plainText(expected: "a UUID, like 2d1c9a52-5f0e-4c5e-9d7a-0a6a5f4f7b11") else { return nil }
        guard let uuid = UUID(uuidString: text), Set(text) != ["0", "-"] else {
            fail("expected a UUID, like 2d1c9a52-5f0e-4c5e-9d7a-0a6a5f4f7b11, found \"\(text)\"")
            return nil
        }
        return uuid
    }

    /// A mail address: a dot-atom, `@` and a domain name, all ASCII (the `addr-spec` of RFC 5322, section 3.4.1,
    /// without quoted local parts and address literals).
    func mailAddress() -> String? {
        guard let text = text() else { return nil }
        let atom = /[A-Za-z0-9!#$%&'*+\/=?^_`{|}~\-]+(\.[A-Za-z0-9!#$%&'*+\/=?^_`{|}~\-]+)*/
        let label = /[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?/
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 64, text.utf8.count <= 254,
            parts[0].wholeMatch(of: atom) != nil,
            parts[1].split(separator: ".", omittingEmptySubsequences: false)
                .allSatisfy({ $0.wholeMatch(of: label) != nil })
        else {
            fail("\"\(text)\" is not a mail address; expected something like interorg@mail.example, in ASCII")
            return nil
        }
        if let address = try? MailAddress(text), address.isOfMailSystem {
            fail("mail from \(text) would be taken for a bounce; use another address, such as interorg@mail.example")
            return nil
        }
        return text
    }

    /// A distinguished name (RFC 4514) other than that of the root.
    func dn(_ dnIsWithin: (String, String) -> Bool?) -> String? {
        guard let text = text() else { return nil }
        guard dnIsWithin(text, text) != nil else {
            fail("\"\(text)\" is not a DN; expected something like ou=people,dc=example,dc=org (RFC 4514)")
            return nil
        }
        return text
    }

    /// An LDAP filter (RFC 4515), checked as far as its parentheses go: the directory checks the rest. A parenthesis
    /// inside a value is written `\28` or `\29`, so all others must pair.
    func filter() -> String? {
        guard let text = text() else { return nil }
        var depth = 0
        var closedEarly = false
        for (offset, byte) in text.utf8.enumerated() {
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            if depth < 0 || (depth == 0 && offset < text.utf8.count - 1) { closedEarly = true }
        }
        guard depth == 0, !closedEarly, text.hasPrefix("("), text.hasSuffix(")") else {
            fail("the filter's parentheses do not pair; expected something like (mail=*) or (&(mail=*)(l=Berlin))")
            return nil
        }
        return text
    }
}
