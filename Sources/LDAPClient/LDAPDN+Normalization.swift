import Foundation

extension LDAPDN.AttributeValue {
    /// Type and value in the form for comparing.
    var normalized: String {
        let type = Self.normalizedType(type)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(type.utf8.count + value.count + 16)
        bytes += type.utf8
        bytes.append(UInt8(ascii: "="))
        if isBER {
            bytes.append(UInt8(ascii: "#"))
            for byte in value { Self.appendHexadecimal(byte, to: &bytes) }
        } else if value.allSatisfy({ $0 < 0x80 }) {
            Self.append(value, to: &bytes)
        } else if let text = String(validating: value, as: UTF8.self) {
            // caseIgnoreMatch maps case and normalizes to NFKC (RFC 4518, sections 2.2 and 2.3).
            Self.append(Array(text.lowercasedNFKC.utf8), to: &bytes)
        } else {
            for byte in value { Self.appendEscaped(byte, to: &bytes) }
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
                appendEscaped(byte, to: &output)
            } else {
                output.append(byte.asciiLowercased)
            }
        }
    }

    private static func mustEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x7F..., UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "+"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "\\"):
            true
        default:
            false
        }
    }

    private static func appendEscaped(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        appendHexadecimal(byte, to: &output)
    }

    private static func appendHexadecimal(_ byte: UInt8, to output: inout [UInt8]) {
        for digit in [byte >> 4, byte & 15] {
            output.append(digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
        }
    }

    private static func normalizedType(_ type: String) -> String {
        if type == "uid" || type == "cn" || type == "ou" { return type }
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

extension String {
    /// In lower case and in Unicode normalization form KC.
    fileprivate var lowercasedNFKC: String {
        // Most names are in it already; Foundation takes long to find that out.
        if unicodeScalars.allSatisfy(\.isPlain) { return lowercased() }
        return precomposedStringWithCompatibilityMapping.lowercased().precomposedStringWithCompatibilityMapping
    }
}

extension Unicode.Scalar {
    /// Whether a text of nothing but these is in form KC, as it is and in lower case: none of them has a decomposition
    /// by compatibility, and none composes with another. Others may be so as well; these are what most names are made of.
    fileprivate var isPlain: Bool {
        switch value {
        case 0..<0x80: true
        case 0xBF...0x12F, 0x14A...0x17E, 0x180...0x1C3, 0x1EA0...0x1EF9: true  // Latin
        case 0x38E...0x3A1, 0x3A3...0x3CF, 0x3FA...0x482: true  // Greek, Cyrillic
        case 0x5D0...0x5EA, 0x61B...0x64A: true  // Hebrew, Arabic
        case 0x3041...0x3096, 0x30A1...0x30FA, 0x4E00...0x9FFF, 0xAC00...0xD7A3: true  // Kana, Han, Hangul
        default: false
        }
    }
}
