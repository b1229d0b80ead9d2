import Foundation

/// How caseIgnoreMatch compares (RFC 4517, section 4.2.11; the preparation is that of RFC 4518).
enum CaseIgnore {
    /// Equal for two values that a server does not tell apart: letter case, compatible characters and the amount of
    /// white space do not count. What is not UTF-8 text stays as it is.
    ///
    /// - Parameter trims: whether white space at the ends is left out. It is not in the parts of a substring.
    static func fold(_ bytes: [UInt8], trims: Bool = true) -> [UInt8] {
        if bytes.allSatisfy({ $0 < 0x80 }) { return collapse(bytes.map(\.asciiLowercased), trims: trims) }
        guard let text = String(validating: bytes, as: UTF8.self) else { return bytes }
        let folded = text.precomposedStringWithCompatibilityMapping.lowercased()
            .precomposedStringWithCompatibilityMapping
        return collapse(Array(folded.utf8), trims: trims)
    }

    /// Every run of white space as one space.
    private static func collapse(_ bytes: [UInt8], trims: Bool) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            let isSpace = byte == 0x20 || (0x09...0x0D).contains(byte)
            if !isSpace { result.append(byte) } else if result.last != 0x20 { result.append(0x20) }
        }
        guard trims else { return result }
        if result.last == 0x20 { result.removeLast() }
        if result.first == 0x20 { result.removeFirst() }
        return result
    }
}
