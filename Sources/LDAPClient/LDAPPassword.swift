/// A password, or the bytes of one. No description, dump or interpolation of it shows them.
public struct LDAPPassword: Sendable, Equatable {
    /// The password's bytes. Only for the bind itself.
    let bytes: [UInt8]

    /// A password from its bytes.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A password from text, as UTF-8 (RFC 4513, section 5.1.3).
    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }
}

extension LDAPPassword: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always the same text, which says nothing about the password.
    public var description: String { "(hidden)" }
    /// Always the same text, which says nothing about the password.
    public var debugDescription: String { description }
    /// A mirror without children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
