import Foundation

extension LDAPDN.AttributeValue {
    /// Type and value in the form for comparing.
    var normalized: String {
        let type = Self.normalizedType(type)
        if isBER { return type + "=#" + value.map(Self.hexadecimal).joined() }
        var bytes = Array(type.utf8)
        bytes.append(UInt8(ascii: "="))
        if value.allSatisfy({ $0 < 0x80 }) {
            Self.append(value, to: &bytes)
        } else if let text = String(validating: value, as: UTF8.self) {
            // caseIgnoreMatch maps case and normalizes to NFKC (RFC 4518, sections 2.2 and 2.3).
            let mapped = text.precomposedStringWithCompatibilityMapping.lowercased()
            Self.append(Array(mapped.precomposedStringWithCompatibilityMapping.utf8), to: &bytes)
        } else {
            return type + "=" + value.map { "\\" + Self.hexadecimal($0) }.joined()
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the bytes in lower case, without spaces at the ends, with single ones between, and with those that
    /// mean something in a DN in hexadecimal.
    private static func append(_ value: [UInt8], to output: inout [UInt8]) {
        var hasPendingSpace = false
        var isStarted = false
        for byte in value {
            if byte == UInt8(ascii: " ") {
                hasPendingSpace = isStarted
                continue
            }
            if hasPendingSpace { output.append(UInt8(ascii: " ")) }
            hasPendingSpace = false
            isStarted = true
            if mustEscape(byte) {
                output.append(UInt8(ascii: "\\"))
                output += hexadecimal(byte).utf8
            } else {
                output.append(byte.asciiLowercased)
            }
        }
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "+"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "\\"):
            true
        default:
            false
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }

    private static func normalizedType(_ type: String) -> String {
        let lowercased = type.lowercased()
        return shortNames[lowercased] ?? lowercased
    }

    /// The types of RFC 4514, section 3, under their other names.
    private static let shortNames: [String: String] = [
        "commonname": "cn", "2.5.4.3": "cn",
        "surname": "sn", "2.5.4.4": "sn",
        "countryname": "c", "2.5.4.6": "c",
        "localityname": "l", "2.5.4.7": "l",
        "stateorprovincename": "st", "2.5.4.8": "st",
        "streetaddress": "street", "2.5.4.9": "street",
        "organizationname": "o", "2.5.4.10": "o",
        "organizationalunitname": "ou", "2.5.4.11": "ou",
        "domaincomponent": "dc", "0.9.2342.19200300.100.1.25": "dc",
        "userid": "uid", "0.9.2342.19200300.100.1.1": "uid",
    ]
}
