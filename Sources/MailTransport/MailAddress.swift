/// A mail address (`addr-spec`, RFC 5322, section 3.4.1) in the form that every mail system carries: ASCII, a dot-atom
/// before the `@`, a domain or an address literal after it.
///
/// A value of this type can stand in a header field or an SMTP command as it is: it has no spaces, control characters,
/// quotes or angle brackets. Two addresses are equal if they differ only in case.
public struct MailAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address as it was written, without angle brackets.
    public let text: String
    private let folded: String

    public var description: String { text }

    /// Takes an address such as `interorg@a.example`.
    ///
    /// - Throws: `MailFormatError` with code `invalidValue`.
    public init(_ text: String) throws(MailFormatError) {
        guard let at = text.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            throw Self.invalid(text, "it has no @")
        }
        let local = text.utf8[..<at]
        let domain = text.utf8[text.utf8.index(after: at)...]
        guard (1...64).contains(local.count), (1...255).contains(domain.count) else {
            throw Self.invalid(text, "the part before the @ must have 1 to 64 bytes, the part after it 1 to 255")
        }
        guard Self.isDotAtom(local, allowed: Self.isLocalByte) else {
            throw Self.invalid(text, "the part before the @ has characters that mail does not carry safely")
        }
        guard Self.isDomain(domain) else {
            throw Self.invalid(text, "the part after the @ is not a domain")
        }
        self.text = text
        self.folded = text.lowercased()
    }

    public static func == (left: MailAddress, right: MailAddress) -> Bool {
        left.folded == right.folded
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(folded)
    }

    private static func invalid(_ text: String, _ why: String) -> MailFormatError {
        MailFormatError(.invalidValue, "\"\(text.forPeople)\" is not a usable mail address: \(why)")
    }

    private static func isDotAtom(_ text: Substring.UTF8View, allowed: (UInt8) -> Bool) -> Bool {
        text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && $0.allSatisfy(allowed) }
    }

    private static func isDomain(_ text: Substring.UTF8View) -> Bool {
        if text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]"), text.count > 2 {
            // An address literal, such as [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321, section 4.1.3).
            return text.dropFirst().dropLast().allSatisfy {
                $0.isASCIILetterOrDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
            }
        }
        return isDotAtom(text) { $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    /// `atext` (RFC 5322, section 3.2.3).
    private static func isLocalByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetterOrDigit || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }
}

/// The identity of one mail (`msg-id`, RFC 5322, section 3.6.4).
public struct MessageID: Sendable, Hashable, CustomStringConvertible {
    /// The identity with its angle brackets.
    public let text: String

    public var description: String { text }

    /// Takes an identity such as `<request.17.4f2a@a.example>`, with its angle brackets.
    ///
    /// - Throws: `MailFormatError` with code `invalidValue`.
    public init(_ text: String) throws(MailFormatError) {
        let inner = text.utf8.dropFirst().dropLast()
        let isBracketed = text.utf8.first == UInt8(ascii: "<") && text.utf8.last == UInt8(ascii: ">")
        let isPlain = inner.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x3C && $0 != 0x3E }
        guard isBracketed, isPlain, inner.contains(UInt8(ascii: "@")), (5...250).contains(text.utf8.count) else {
            throw MailFormatError(
                .invalidValue,
                "\"\(text.forPeople)\" is not a usable message ID: it must look like <unique@domain>, be ASCII "
                    + "without spaces and have at most 250 bytes"
            )
        }
        self.text = text
    }
}

extension UInt8 {
    var isASCIILetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}

extension MailAddress {
    /// Whether mail from here is taken for that of a mail system: for a bounce, above all.
    public var isOfMailSystem: Bool {
        MailOrigin.systemNames.contains { text.lowercased().hasPrefix("\($0)@") }
    }
}
