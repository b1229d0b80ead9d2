import AddressBook

/// Postal Address (RFC 4517, section 3.3.28): lines separated by `$`; `\24` is a dollar sign and `\5C` a backslash
/// inside a line. In a field they are lines.
enum PostalAddress {
    /// `1 Main St$Springfield` as two lines.
    static func lines(_ value: Value) -> Value {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.bytes.count)
        var rest = value.bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "$"): bytes.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "\\"):
                let escape = String(decoding: rest.prefix(2), as: UTF8.self).uppercased()
                guard let plain: UInt8 = ["24": UInt8(ascii: "$"), "5C": UInt8(ascii: "\\")][escape] else {
                    bytes.append(byte)
                    continue
                }
                bytes.append(plain)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return Value(bytes)
    }

    /// The inverse of `lines`, for every value.
    static func encoded(_ value: Value) -> Value {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(value.bytes.count)
        for byte in value.bytes {
            switch byte {
            case UInt8(ascii: "\n"): bytes.append(UInt8(ascii: "$"))
            case UInt8(ascii: "$"): bytes += Array("\\24".utf8)
            case UInt8(ascii: "\\"): bytes += Array("\\5C".utf8)
            default: bytes.append(byte)
            }
        }
        return Value(bytes)
    }
}
