import Foundation

/// One value of a field, kept byte for byte.
///
/// Swift's `String` calls two values equal when they are canonically equivalent; an address book must not, or a
/// correction from a decomposed to a precomposed letter would never travel. Equality, order and hash are those of
/// the bytes.
public struct Value: Hashable, Sendable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    /// The value as text; nil if it is not UTF-8.
    public var text: String? {
        String(validating: bytes, as: UTF8.self)
    }

    /// Whether it is UTF-8.
    public var isText: Bool { bytes.allSatisfy { $0 < 0x80 } || text != nil }

    public var isEmpty: Bool { bytes.isEmpty }
}

extension Value: Comparable {
    public static func < (left: Value, right: Value) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension Value: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) {
        self.init(text)
    }
}

extension Value: CustomStringConvertible {
    public var description: String { text ?? "base64:" + Data(bytes).base64EncodedString() }
}
