extension LDAPSyntax {
    /// RFC 4517, section 3.3.16.
    static func isInteger(_ value: [UInt8]) -> Bool {
        if value.elementsEqual("0".utf8) { return true }
        let digits = value.first == UInt8(ascii: "-") ? value.dropFirst() : value[...]
        return digits.first.map { $0 != UInt8(ascii: "0") } == true && digits.allSatisfy(\.isASCIIDigit)
    }

    /// An OID, or a name in its place, which stands for it (RFC 4512, section 1.4).
    static func isOID(_ value: [UInt8]) -> Bool {
        guard let first = value.first else { return false }
        if first.isASCIILetter {
            return value.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") }
        }
        return value.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { number in
            !number.isEmpty && number.allSatisfy(\.isASCIIDigit) && (number.count == 1 || number.first != 0x30)
        }
    }

    /// RFC 4530, section 2.1.
    static func isUUID(_ value: [UInt8]) -> Bool {
        value.count == 36
            && value.enumerated().allSatisfy { index, byte in
                switch index {
                case 8, 13, 18, 23: byte == UInt8(ascii: "-")
                default: byte.isASCIIDigit || (0x61...0x66).contains(byte | 0x20)
                }
            }
    }

    /// `YYYYMMDDHH[MM[SS]][.d...](Z|±HH[MM])` (RFC 4517, section 3.3.13).
    static func timeFault(_ value: [UInt8]) -> String? {
        let form = "it is not a time, such as 20261231235959Z"
        var rest = value[...]
        // Century, year, month, day, hour, minute, second.
        let parts = numbers(&rest, max: [99, 99, 12, 31, 23, 59, 60])
        guard let parts, parts.count >= 5 else { return form }
        if let point = rest.first, point == UInt8(ascii: ".") || point == UInt8(ascii: ",") {
            let digits = rest.dropFirst().prefix(while: \.isASCIIDigit)
            guard !digits.isEmpty else { return form }
            rest = rest[digits.endIndex...]
        }
        switch rest.popFirst() {
        case UInt8(ascii: "Z"): break
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard let offset = numbers(&rest, max: [23, 59]), !offset.isEmpty else { return form }
        default: return form
        }
        guard rest.isEmpty else { return form }
        return isDay(parts) ? nil : "there is no such day"
    }

    /// Takes pairs of digits from the start, at most one for each maximum; nil when one is greater, or half.
    private static func numbers(_ rest: inout ArraySlice<UInt8>, max: [Int]) -> [Int]? {
        var numbers: [Int] = []
        while numbers.count < max.count, rest.first?.isASCIIDigit == true {
            let pair = rest.prefix(2)
            guard pair.count == 2, pair.allSatisfy(\.isASCIIDigit) else { return nil }
            let number = pair.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard number <= max[numbers.count] else { return nil }
            numbers.append(number)
            rest = rest.dropFirst(2)
        }
        return numbers
    }

    private static func isDay(_ parts: [Int]) -> Bool {
        // Every fourth year is a leap year; of those that end a century every fourth.
        let isLeapYear = (parts[1] == 0 ? parts[0] : parts[1]) % 4 == 0
        let days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(parts[2]) && (1...days[parts[2] - 1]).contains(parts[3])
    }
}
