/// One LDAPMessage (RFC 4511, section 4.1.1), as far as a proxy needs to understand it.
struct LDAPMessage {
    /// The whole of it, as it was sent.
    var bytes: [UInt8]
    /// The message ID's content octets.
    var id: [UInt8]
    /// The tag of its operation.
    var operation: UInt8

    /// Takes the first message from what has been received; nil while it is not complete.
    static func take(from received: inout [UInt8]) -> LDAPMessage? {
        guard let message = element(in: received[...]), let id = element(in: message.content),
            let operation = received[id.end...].first
        else { return nil }
        defer { received.removeFirst(message.end) }
        return LDAPMessage(bytes: Array(received[..<message.end]), id: Array(id.content), operation: operation)
    }

    /// The first element of BER with a definite length (RFC 4511, section 5.1, allows no other); nil if it is not complete.
    private static func element(in bytes: ArraySlice<UInt8>) -> (content: ArraySlice<UInt8>, end: Int)? {
        guard bytes.count >= 2 else { return nil }
        var start = bytes.startIndex + 2
        var count = Int(bytes[bytes.startIndex + 1])
        if count >= 0x80 {
            let digits = count - 0x80
            guard bytes.count >= 2 + digits else { return nil }
            count = bytes[start..<start + digits].reduce(0) { $0 << 8 + Int($1) }
            start += digits
        }
        guard bytes.endIndex >= start + count else { return nil }
        return (bytes[start..<start + count], start + count)
    }

    /// The server's answer to it, with that result code and a diagnostic message.
    func answer(code: UInt8, _ diagnostic: String) -> [UInt8] {
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, UInt8(content.count)] + content }
        let result = element(0x0A, [code]) + element(0x04, []) + element(0x04, Array(diagnostic.utf8))
        return element(0x30, element(0x02, id) + element(LDAPRequestKind(rawValue: operation)?.answer ?? 0x78, result))
    }
}

/// The requests that are answered, by the tags of RFC 4511, section 4.
public enum LDAPRequestKind: UInt8, Sendable {
    case bind = 0x60
    case search = 0x63
    case modify = 0x66
    case add = 0x68
    case delete = 0x4A
    case rename = 0x6C
    case compare = 0x6E
    case extended = 0x77

    /// The tag of the answer, for a search that of its last one.
    fileprivate var answer: UInt8 {
        switch self {
        case .search: 0x65
        case .delete: 0x6B
        default: rawValue + 1
        }
    }
}
