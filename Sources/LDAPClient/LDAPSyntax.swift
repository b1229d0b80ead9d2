/// A syntax (RFC 4517, section 3.3): which values an attribute can have.
///
/// It is never stricter than OpenLDAP, which is measured on a real one, and knows the syntaxes that address books meet.
public struct LDAPSyntax: Sendable, Hashable {
    /// The OID, like `1.3.6.1.4.1.1466.115.121.1.50`.
    public let oid: String
    private let rule: Rule

    /// The syntax with this OID. One that is not known here accepts any value.
    public init(_ oid: String) {
        self.oid = oid
        rule = Self.rules[oid] ?? .anything
    }

    /// What is wrong with a value, like `"#" is not allowed in it`; nil when it conforms.
    public func fault(in value: [UInt8]) -> String? {
        switch rule {
        case .anything: nil
        case .directoryString: value.isEmpty ? Self.isEmpty : Self.textFault(value)
        case .printableString: value.isEmpty ? Self.isEmpty : Self.firstFault(value, allowed: \.isPrintable)
        case .printableLines: Self.printableLinesFault(value)
        case .ascii: Self.firstFault(value) { $0 < 0x80 }
        case .numericString:
            value.isEmpty ? Self.isEmpty : Self.firstFault(value) { $0.isASCIIDigit || $0 == UInt8(ascii: " ") }
        case .country:
            value.count == 2 && value.allSatisfy(\.isPrintable) ? nil : "it is not two letters, such as CH"
        case .postalAddress: Self.postalAddressFault(value)
        case .integer: Self.isInteger(value) ? nil : "it is not a whole number"
        case .boolean:
            value.elementsEqual("TRUE".utf8) || value.elementsEqual("FALSE".utf8) ? nil : "it is neither TRUE nor FALSE"
        case .time: Self.timeFault(value)
        case .oid: Self.isOID(value) ? nil : "it is neither an OID, such as 2.5.4.3, nor a name"
        case .uuid: Self.isUUID(value) ? nil : "it is not a UUID"
        case .name: Self.isName(value) ? nil : Self.isNoName
        case .nameAndUID: Self.isName(Self.withoutUID(value)) ? nil : Self.isNoName
        }
    }

    private enum Rule: Sendable, Hashable {
        case anything, directoryString, printableString, printableLines, ascii, numericString, country, postalAddress
        case integer, boolean, time, oid, uuid, name, nameAndUID
    }

    private static let rules: [String: Rule] = {
        // RFC 4517, section 3.3, by the last number of their OIDs.
        let standard: [Int: Rule] = [
            7: .boolean, 11: .country, 12: .name, 15: .directoryString, 22: .printableLines, 24: .time, 26: .ascii,
            27: .integer, 34: .nameAndUID, 36: .numericString, 38: .oid, 40: .anything, 41: .postalAddress,
            44: .printableString, 50: .printableString,
        ]
        var rules: [String: Rule] = [:]
        for (number, rule) in standard { rules["1.3.6.1.4.1.1466.115.121.1.\(number)"] = rule }
        // RFC 4530, section 2.1.
        rules["1.3.6.1.1.16.1"] = .uuid
        return rules
    }()

    private static let isEmpty = "it is empty"
    private static let isNoName = "it is not a distinguished name, such as cn=Anna,dc=example"
}

extension UInt8 {
    /// Whether it may be in a PrintableString (RFC 4517, section 3.2).
    var isPrintable: Bool {
        switch self {
        case UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "+"), UInt8(ascii: ","),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "?"),
            UInt8(ascii: " "), UInt8(ascii: "="):
            true
        default: isASCIILetter || isASCIIDigit
        }
    }
}
