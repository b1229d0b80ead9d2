/// Text beyond ASCII in a header field (RFC 2047), in UTF-8 and base64.
enum EncodedWord {
    /// 75 characters are allowed for a word; `=?UTF-8?B?` and `?=` take 12 of them, and base64 makes 4 of 3 bytes.
    private static let wordBytesMax = (75 - 12) / 4 * 3

    /// `text` as it may stand in the field `fieldName`: as it is if it is ASCII and fits on a line, else as encoded words
    /// on lines of their own. `text` has no control characters.
    static func encode(_ text: String, fieldName: String) -> String {
        let fits = fieldName.utf8.count + 2 + text.utf8.count <= 78
        // Leading and trailing spaces would be lost, and "=?" would be taken for an encoded word.
        let isPlain = text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?")
        if fits, isPlain, text.utf8.first != 0x20, text.utf8.last != 0x20 { return text }

        var words: [String] = []
        var word: [UInt8] = []
        func endWord() {
            let base64 = Base64.encodeLines(word).filter { $0 > 0x20 }
            words.append("=?UTF-8?B?\(String(decoding: base64, as: UTF8.self))?=")
            word = []
        }
        for scalar in text.unicodeScalars {
            // A word never ends inside a character (section 5).
            let bytes = Array(String(scalar).utf8)
            // The first word shares its line with the field's name.
            let wordBytes = words.isEmpty ? wordBytesMax - fieldName.utf8.count - 2 : wordBytesMax
            if word.count + bytes.count > wordBytes { endWord() }
            word.append(contentsOf: bytes)
        }
        if !word.isEmpty { endWord() }
        return words.joined(separator: "\r\n ")
    }

    /// The text that people are meant to see. Words in other character sets are left as they are.
    static func decode(_ value: String) -> String {
        var decoded: [UInt8] = []
        var wasEncoded = false
        for token in value.split(separator: " ", omittingEmptySubsequences: false) {
            let word = bytes(of: token)
            // White space between two encoded words is not part of the text (section 6.2).
            if !decoded.isEmpty || wasEncoded, !(wasEncoded && word != nil) { decoded.append(0x20) }
            decoded.append(contentsOf: word ?? Array(token.utf8))
            wasEncoded = word != nil
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func bytes(of token: Substring) -> [UInt8]? {
        let parts = token.split(separator: "?", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "=", parts[4] == "=",
            ["utf-8", "us-ascii"].contains(parts[1].lowercased())
        else { return nil }
        switch parts[2].lowercased() {
        case "b": return try? Base64.decode(ArraySlice(parts[3].utf8))
        // A space is written as an underscore (section 4.2).
        case "q": return try? QuotedPrintable.decode(ArraySlice(parts[3].utf8.map { $0 == 0x5F ? 0x20 : $0 }))
        default: return nil
        }
    }
}
