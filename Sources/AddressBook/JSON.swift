/// A JSON text (RFC 8259), read. Strings are UTF-8 bytes, exactly as they were written.
public enum JSON: Hashable, Sendable {
    case object([String: JSON])
    case array([JSON])
    case string([UInt8])
    /// A number as it was written.
    case number(String)
    case bool(Bool)
    case null

    /// What is wrong with a text, and at which byte.
    public struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
        public var message: String
        public var offset: Int

        public var description: String { "\(message) at byte \(offset)" }
    }

    /// Nested more deeply than any message of ours; a limit, so that a hostile one cannot exhaust the stack.
    static let depthMax = 32

    public init(parsing bytes: some Collection<UInt8>) throws(SyntaxError) {
        let parsed =
            bytes.withContiguousStorageIfAvailable(Self.parse) ?? Array(bytes).withUnsafeBufferPointer(Self.parse)
        self = try parsed.get()
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<JSON, SyntaxError> {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return .failure(SyntaxError(message: "it is not UTF-8", offset: 0))
        }
        var parser = JSONParser(bytes: bytes)
        return Result { () throws(SyntaxError) in try parser.document() }
    }

    public subscript(key: String) -> JSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    public var text: String? {
        if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    public var integer: Int64? {
        if case .number(let digits) = self { Int64(digits) } else { nil }
    }

    public var elements: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}

/// Recursive descent over the bytes of one text.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var offset = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    mutating func document() throws(JSON.SyntaxError) -> JSON {
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw error("there is something after the end") }
        return value
    }

    private func error(_ message: String) -> JSON.SyntaxError {
        JSON.SyntaxError(message: message, offset: offset)
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) throws(JSON.SyntaxError) {
        guard next == UInt8(ascii: character) else { throw error("'\(character)' is missing") }
        offset += 1
    }

    private mutating func value() throws(JSON.SyntaxError) -> JSON {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { parser throws(JSON.SyntaxError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSON.SyntaxError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSON.SyntaxError) -> JSON
    ) throws(JSON.SyntaxError) -> JSON {
        guard depth < JSON.depthMax else { throw error("it is nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        offset += 1
        return try body(&self)
    }

    /// As many as most objects of ours have.
    private static let membersUsual = 6

    private mutating func object() throws(JSON.SyntaxError) -> JSON {
        var members: [String: JSON] = Dictionary(minimumCapacity: Self.membersUsual)
        skipSpace()
        if next == UInt8(ascii: "}") {
            offset += 1
            return .object(members)
        }
        while true {
            skipSpace()
            let key = try key()
            skipSpace()
            try skip(":")
            guard members.updateValue(try value(), forKey: key) == nil else { throw error("'\(key)' is there twice") }
            skipSpace()
            guard next == UInt8(ascii: ",") else { break }
            offset += 1
        }
        try skip("}")
        return .object(members)
    }

    /// Without a copy of its bytes, unless something in it is escaped.
    private mutating func key() throws(JSON.SyntaxError) -> String {
        guard next == UInt8(ascii: "\"") else { throw error("'\"' is missing") }
        var end = offset + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20
        {
            end += 1
        }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else {
            return String(decoding: try string(), as: UTF8.self)
        }
        defer { offset = end + 1 }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[offset + 1..<end]), as: UTF8.self)
    }

    private mutating func array() throws(JSON.SyntaxError) -> JSON {
        var elements: [JSON] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            offset += 1
            return .array(elements)
        }
        while true {
            elements.append(try value())
            skipSpace()
            guard next == UInt8(ascii: ",") else { break }
            offset += 1
        }
        try skip("]")
        return .array(elements)
    }

    private mutating func literal(_ word: String, _ value: JSON) throws(JSON.SyntaxError) -> JSON {
        guard bytes[offset...].starts(with: word.utf8) else { throw error("'\(word)' is misspelt") }
        offset += word.utf8.count
        return value
    }

    private mutating func number() throws(JSON.SyntaxError) -> JSON {
        let start = offset
        var isInteger = true
        while let byte = next {
            if !(0x30...0x39).contains(byte) {
                guard "+-.eE".utf8.contains(byte) else { break }
                isInteger = false
            }
            offset += 1
        }
        let digits = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
        guard !digits.isEmpty, isInteger || Double(digits) != nil else { throw error("a value is missing") }
        return .number(digits)
    }

    private mutating func string() throws(JSON.SyntaxError) -> [UInt8] {
        try skip("\"")
        var start = offset
        var result: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                defer { offset += 1 }
                return result.isEmpty ? Array(bytes[start..<offset]) : result + bytes[start..<offset]
            case UInt8(ascii: "\\"):
                result += bytes[start..<offset]
                offset += 1
                try escape(into: &result)
                start = offset
            case 0..<0x20: throw error("a control character is not escaped")
            default: offset += 1
            }
        }
        throw error("a string does not end")
    }

    private mutating func escape(into result: inout [UInt8]) throws(JSON.SyntaxError) {
        guard let byte = next else { throw error("a string does not end") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"): result.append(contentsOf: String(try scalar()).utf8)
        default: throw error("an escape is unknown")
        }
    }

    private mutating func scalar() throws(JSON.SyntaxError) -> Character {
        var code = try fourDigits()
        if (0xD800..<0xDC00).contains(code) {
            try skip("\\")
            try skip("u")
            let low = try fourDigits()
            guard (0xDC00..<0xE000).contains(low) else { throw error("half a character is missing") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("half a character is missing") }
        return Character(scalar)
    }

    private mutating func fourDigits() throws(JSON.SyntaxError) -> UInt32 {
        let digits = bytes[offset...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw error("an escape needs four hexadecimal digits") }
        offset += 4
        return code
    }
}
