extension LDAPSyntax {
    /// What is wrong with a text.
    static func textFault(_ value: [UInt8]) -> String? {
        isUTF8(value) ? nil : "it is not UTF-8"
    }

    /// Whether each character begins and goes on as UTF-8 wants it, in its shortest form. Surrogates, and what lies
    /// beyond Unicode in up to six bytes, pass: slapd takes them, and this must not be stricter.
    private static func isUTF8(_ value: [UInt8]) -> Bool {
        var pending = 0
        // The least second byte; below it the form is not the shortest.
        var least: UInt8 = 0x80
        for byte in value {
            if pending > 0 {
                guard byte >= least, byte <= 0xBF else { return false }
                pending -= 1
                least = 0x80
                continue
            }
            switch byte {
            case 0..<0x80: continue
            case 0xC2...0xDF: pending = 1
            case 0xE0...0xEF: pending = 2
            case 0xF0...0xF7: pending = 3
            case 0xF8...0xFB: pending = 4
            case 0xFC...0xFD: pending = 5
            default: return false
            }
            switch byte {
            case 0xE0: least = 0xA0
            case 0xF0: least = 0x90
            case 0xF8: least = 0x88
            case 0xFC: least = 0x84
            default: least = 0x80
            }
        }
        return pending == 0
    }

    /// What is wrong with the first byte that is not allowed.
    static func firstFault(_ value: [UInt8], allowed: (UInt8) -> Bool) -> String? {
        value.firstIndex { !allowed($0) }.map { "\(character(at: $0, of: value)) is not allowed in it" }
    }

    /// A character, in words where it cannot be shown.
    private static func character(at index: Int, of value: [UInt8]) -> String {
        switch value[index] {
        case 0: return "a NUL"
        case UInt8(ascii: "\t"): return "a tab"
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return "a line break"
        case UInt8(ascii: " "): return "a blank"
        case 0..<0x20, 0x7F: return "a control character"
        case UInt8(ascii: "\""): return "a quotation mark"
        default:
            // A character has four bytes at most.
            let text = (1...4).lazy.compactMap { String(validating: value[index...].prefix($0), as: UTF8.self) }.first
            guard let scalar = text?.unicodeScalars.first else { return "what is not UTF-8" }
            if scalar.isASCII || scalar.properties.isAlphabetic { return "\"\(scalar)\"" }
            // Its name, since many a dash looks like a hyphen, and many a blank like the one that is allowed.
            let number = String(scalar.value, radix: 16, uppercase: true)
            let code = "U+" + String(repeating: "0", count: max(0, 4 - number.count)) + number
            return scalar.properties.name.map { "\(code) \($0)" } ?? code
        }
    }

    /// A fax number: parts that are PrintableStrings, between dollar signs (RFC 4517, section 3.3.11). The words of the
    /// parts after the first are not looked at.
    static func printableLinesFault(_ value: [UInt8]) -> String? {
        let dollar = UInt8(ascii: "$")
        if let fault = firstFault(value, allowed: { $0.isPrintable || $0 == dollar }) { return fault }
        let hasEmptyPart = value.split(separator: dollar, omittingEmptySubsequences: false).contains(where: \.isEmpty)
        return hasEmptyPart ? value.isEmpty ? "it is empty" : "there is nothing before, between or after a \"$\"" : nil
    }

    /// Lines between dollar signs (RFC 4517, section 3.3.28). They may be empty for slapd.
    static func postalAddressFault(_ value: [UInt8]) -> String? {
        var rest = value[...]
        while let backslash = rest.firstIndex(of: UInt8(ascii: "\\")) {
            let escape = rest[(backslash + 1)...].prefix(2)
            guard escape.elementsEqual("24".utf8) || escape.lazy.map(\.asciiLowercased).elementsEqual("5c".utf8) else {
                return "a backslash has to be written as \\5C"
            }
            rest = rest[(backslash + 3)...]
        }
        return textFault(value)
    }
}
