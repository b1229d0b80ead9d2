/// A control of a request or a response (RFC 4511, section 4.1.11).
public struct LDAPControl: Sendable, Hashable {
    /// The control's OID in dotted form.
    public var oid: String
    /// Whether the server must refuse the operation if it does not know the control.
    public var isCritical: Bool
    /// The control's BER-encoded value; nil when it has none, which differs from an empty one.
    public var value: [UInt8]?

    /// A control from its parts.
    public init(oid: String, isCritical: Bool = false, value: [UInt8]? = nil) {
        self.oid = oid
        self.isCritical = isCritical
        self.value = value
    }
}

extension Sequence<LDAPControl> {
    /// The value of the first control with that OID; nil when there is none or it has no value.
    func value(oid: String) -> [UInt8]? {
        first { $0.oid == oid }?.value
    }
}
