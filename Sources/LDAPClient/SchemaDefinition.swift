/// A definition of a schema element, taken apart (RFC 4512, section 4.1): `( <OID> KEYWORD value KEYWORD ... )`.
///
/// Servers write more than the RFC allows, so this reads more: OIDs in quotes, names in place of OIDs, lists without
/// blanks, apostrophes that are not escaped, and keywords that nobody knows.
struct SchemaDefinition {
    /// The element's OID, or whatever stands in its place.
    var oid: String
    /// What follows each keyword that has values: names, in the order written. Keywords are in upper case.
    private var values: [String: [String]] = [:]
    /// The keywords without values that count.
    private var flags: Set<String> = []

    /// Keywords whose value is one word, or a list.
    private static let keywords: Set<String> = ["NAME", "SUP", "EQUALITY", "SYNTAX", "USAGE", "MUST", "MAY"]
    private static let flagKeywords: Set<String> = [
        "SINGLE-VALUE", "NO-USER-MODIFICATION", "ABSTRACT", "STRUCTURAL", "AUXILIARY",
    ]

    /// Nil when the text is no definition.
    init?(_ text: String) {
        var tokens = SchemaTokens(text)
        guard tokens.next() == .open, let oid = tokens.next()?.text else { return nil }
        self.oid = oid
        while let token = tokens.next() {
            switch token {
            case .close: return
            // The values of keywords that do not count.
            case .open: guard tokens.list() != nil else { return nil }
            case .quoted, .dollar: continue
            case .word(let word):
                let keyword = word.uppercased()
                if Self.flagKeywords.contains(keyword) {
                    flags.insert(keyword)
                } else if Self.keywords.contains(keyword) {
                    guard let names = tokens.value() else { return nil }
                    values[keyword] = names
                }
            }
        }
        // The text has ended before the definition.
        return nil
    }

    /// The words or strings after a keyword; empty when it is not there.
    subscript(keyword: String) -> [String] { values[keyword] ?? [] }

    /// Whether a keyword without values is there.
    func has(_ flag: String) -> Bool { flags.contains(flag) }
}

/// The tokens of a definition.
private struct SchemaTokens {
    enum Token: Equatable {
        case open, close, dollar
        case word(String)
        case quoted(String)

        var text: String? {
            switch self {
            case .word(let text), .quoted(let text): text
            case .open, .close, .dollar: nil
            }
        }
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// The next token; nil at the end, and where a string does not end.
    mutating func next() -> Token? {
        while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
        guard position < bytes.count else { return nil }
        let start = position
        position += 1
        switch bytes[start] {
        case UInt8(ascii: "("): return .open
        case UInt8(ascii: ")"): return .close
        case UInt8(ascii: "$"): return .dollar
        case UInt8(ascii: "'"): return quoted(from: position)
        default:
            while position < bytes.count, !Self.endsWord(bytes[position]) { position += 1 }
            return .word(String(decoding: bytes[start..<position], as: UTF8.self))
        }
    }

    /// One word or string, or a list of them in parentheses; nil when there is neither.
    mutating func value() -> [String]? {
        guard let token = next() else { return nil }
        return token == .open ? list() : token.text.map { [$0] }
    }

    /// The rest of a list whose parenthesis has been read; nil when it does not end.
    mutating func list() -> [String]? {
        var names: [String] = []
        while let token = next() {
            switch token {
            case .word(let name), .quoted(let name): names.append(name)
            case .dollar: continue
            case .close: return names
            case .open: return nil
            }
        }
        return nil
    }

    /// An apostrophe ends a string only where a string can end: some servers write them inside one.
    private mutating func quoted(from start: Int) -> Token? {
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "'") else { continue }
            if position == bytes.count || Self.isBlank(bytes[position]) || bytes[position] == UInt8(ascii: ")")
                || bytes[position] == UInt8(ascii: "$")
            {
                return .quoted(Self.unescaped(bytes[start..<(position - 1)]))
            }
        }
        return nil
    }

    /// A string without the two escapes that there are: `\27` and `\5C` (RFC 4512, section 4.1).
    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.contains(UInt8(ascii: "\\")) else { return text }
        // In this order, so that `\5C27` is a backslash and two digits.
        return text.split(separator: "\\5C", omittingEmptySubsequences: false).map { part in
            part.split(separator: "\\5c", omittingEmptySubsequences: false)
                .map { $0.split(separator: "\\27", omittingEmptySubsequences: false).joined(separator: "'") }
                .joined(separator: "\\")
        }.joined(separator: "\\")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func endsWord(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: "$")
            || byte == UInt8(ascii: "'")
    }
}
