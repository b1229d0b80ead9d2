internal import SwiftASN1

/// The OIDs of content synchronization (RFC 4533, section 2).
public enum ContentSyncOID {
    /// The Sync Request control of a search.
    public static let request = "1.3.6.1.4.1.4203.1.9.1.1"
    /// The Sync State control of an entry.
    public static let state = "1.3.6.1.4.1.4203.1.9.1.2"
    /// The Sync Done control of a search's result.
    public static let done = "1.3.6.1.4.1.4203.1.9.1.3"
    /// The Sync Info message.
    public static let info = "1.3.6.1.4.1.4203.1.9.1.4"
}

/// The Sync Request control (RFC 4533, section 2.2): makes a search return what has changed since a cookie.
public struct ContentSyncRequest: Sendable, Hashable {
    /// Whether the search ends once all is told.
    public enum Mode: Int, Sendable, Hashable {
        /// The search ends.
        case refreshOnly = 1
        /// The search stays and tells further changes as they happen.
        case refreshAndPersist = 3
    }

    /// Whether the search ends.
    public var mode: Mode
    /// The cookie of an earlier synchronization of the same content; nil to start from nothing.
    public var cookie: [UInt8]?
    /// True: a server that does not know the cookie sends everything as if there were none. False: it answers
    /// `syncRefreshRequired`.
    public var reloadHint: Bool

    /// A request.
    public init(mode: Mode, cookie: [UInt8]? = nil, reloadHint: Bool = false) {
        self.mode = mode
        self.cookie = cookie
        self.reloadHint = reloadHint
    }

    /// The control for the search. A critical one fails where the server does not know it, instead of returning all.
    public func control(critical isCritical: Bool = true) throws -> LDAPControl {
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { fields in
            try mode.rawValue.serialize(into: &fields, withIdentifier: .enumerated)
            if let cookie {
                try fields.serialize(ASN1OctetString(contentBytes: cookie[...]))
            }
            if reloadHint {
                try fields.serialize(true)
            }
        }
        return LDAPControl(oid: ContentSyncOID.request, isCritical: isCritical, value: serializer.serializedBytes)
    }
}
