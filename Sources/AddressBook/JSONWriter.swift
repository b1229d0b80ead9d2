import Foundation

/// Writes compact JSON (RFC 8259), member by member, in the order in which it is asked to.
///
/// Entries are the bulk of all messages and of the store; Foundation's encoder takes a hundred times as long for them.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init() {}

    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        enclosed("{", "}", body)
    }

    public mutating func array<Element>(_ elements: [Element], _ body: (inout JSONWriter, Element) -> Void) {
        enclosed("[", "]") { writer in
            for element in elements { body(&writer, element) }
        }
    }

    /// The name of a member; its value follows.
    public mutating func key(_ name: String) {
        string(name.utf8)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ text: String) {
        string(text.utf8)
    }

    public mutating func number(_ number: Int64) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    /// A value: a string, or `{"base64": "…"}` if it is not UTF-8.
    public mutating func value(_ value: Value) {
        if value.isText {
            string(value.bytes)
        } else {
            object { writer in
                writer.key("base64")
                writer.string(Data(value.bytes).base64EncodedString())
            }
        }
    }

    /// A UUID in the text form of RFC 9562, lower case.
    public mutating func uuid(_ uuid: UUID) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        withUnsafeBytes(of: uuid.uuid) { parts in
            for (index, byte) in parts.enumerated() {
                if index == 4 || index == 6 || index == 8 || index == 10 { bytes.append(UInt8(ascii: "-")) }
                bytes.append(Self.digit(byte >> 4))
                bytes.append(Self.digit(byte & 15))
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// JSON that has been written before.
    public mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private mutating func enclosed(_ begin: Character, _ end: Character, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(begin.asciiValue ?? 0)
        needsComma = false
        body(&self)
        bytes.append(end.asciiValue ?? 0)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func string(_ text: some Collection<UInt8>) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        let isWritten: Void? = text.withContiguousStorageIfAvailable { escape($0) }
        if isWritten == nil { Array(text).withUnsafeBufferPointer { escape($0) } }
        bytes.append(UInt8(ascii: "\""))
    }

    /// What lies between two characters that have to be escaped is copied as it is.
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for (index, byte) in text.enumerated() {
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            bytes.append(contentsOf: text[start..<index])
            start = index + 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            default:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.digit(byte >> 4))
                bytes.append(Self.digit(byte & 15))
            }
        }
        bytes.append(contentsOf: text[start...])
    }
}
