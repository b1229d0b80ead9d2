/// The quoted-printable content transfer encoding (RFC 2045, section 6.7).
enum QuotedPrintable {
    private static let lineFeed: UInt8 = 0x0A
    private static let escape = UInt8(ascii: "=")

    /// Decodes `input`. Line breaks that the encoder left visible become CRLF; those at the very end are dropped, because
    /// they end the mail, not the data.
    static func decode(_ input: ArraySlice<UInt8>) throws(MailFormatError) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var pendingLineBreaks = 0
        var rest = input
        while !rest.isEmpty {
            let lineEnd = rest.firstIndex(of: lineFeed)
            // Spaces and tabs at the end of a line were added on the way (rule 3).
            let line = rest[..<(lineEnd ?? rest.endIndex)].trimmingTrailing { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            rest = lineEnd.map { rest[($0 + 1)...] } ?? []
            let isSoft = line.last == escape
            if !(isSoft ? line.dropLast() : line).isEmpty {
                for _ in 0..<pendingLineBreaks { output.append(contentsOf: [0x0D, lineFeed]) }
                pendingLineBreaks = 0
                try decode(line: isSoft ? line.dropLast() : line, into: &output)
            }
            if !isSoft, lineEnd != nil { pendingLineBreaks += 1 }
        }
        return output
    }

    private static func decode(line: ArraySlice<UInt8>, into output: inout [UInt8]) throws(MailFormatError) {
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            guard byte == escape else {
                output.append(byte)
                index += 1
                continue
            }
            guard index + 2 < line.endIndex else {
                throw MailFormatError(.truncated, "the quoted-printable body is cut off inside an escaped byte")
            }
            guard let high = hexValue(line[index + 1]), let low = hexValue(line[index + 2]) else {
                throw MailFormatError(.malformed, "the quoted-printable body has an escape that is not hexadecimal")
            }
            output.append(high << 4 | low)
            index += 3
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// The slice without the bytes at its end for which `condition` is true.
    func trimmingTrailing(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        var end = endIndex
        while end > startIndex, condition(self[end - 1]) { end -= 1 }
        return self[startIndex..<end]
    }
}
