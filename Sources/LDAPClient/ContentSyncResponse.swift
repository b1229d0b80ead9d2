public import Foundation
internal import SwiftASN1

/// The Sync State control (RFC 4533, section 2.3): what happened to the entry that carries it.
public struct ContentSyncState: Sendable, Hashable {
    /// What happened to the entry.
    public enum State: Int, Sendable, Hashable {
        /// It is there and has not changed; the message has no attributes.
        case present = 0
        /// It is there, with all that was asked for; also the answer for any changed entry in a refresh.
        case add = 1
        /// It has changed.
        case modify = 2
        /// It is no longer in the content; the message has no attributes.
        case delete = 3
    }

    /// What happened to the entry.
    public var state: State
    /// The entry's `entryUUID`.
    public var entryUUID: UUID
    /// A new cookie, if the server sent one.
    public var cookie: [UInt8]?

    /// Reads the control of an entry; nil when it has none. Throws an ``LDAPError`` (`decodingError`) for a bad one.
    public init?(_ entry: LDAPEntry) throws {
        guard let value = entry.controls.value(oid: ContentSyncOID.state) else { return nil }
        self = try decoding("the Sync State control of \(entry.dn)") {
            var fields = try BERFields.sequence(value)
            guard let state = State(rawValue: try fields.enumerated()) else {
                throw ASN1Error.invalidASN1Object(reason: "unknown state")
            }
            let uuid = try UUID(octets: fields.required(.octetString))
            return ContentSyncState(state: state, entryUUID: uuid, cookie: try fields.optionalOctets())
        }
    }

    private init(state: State, entryUUID: UUID, cookie: [UInt8]?) {
        self.state = state
        self.entryUUID = entryUUID
        self.cookie = cookie
    }
}

/// The Sync Done control (RFC 4533, section 2.4), at the end of a search.
public struct ContentSyncDone: Sendable, Hashable {
    /// The cookie to go on from, if the server sent one.
    public var cookie: [UInt8]?
    /// False: what is not in the content any more was not told, and entries neither sent nor reported as present are
    /// gone. True: what was deleted has been told, and the rest is still there.
    public var refreshDeletes: Bool

    /// Reads the control of a search's result; nil when it has none. Throws an ``LDAPError`` (`decodingError`) for a
    /// bad one.
    public init?(_ result: LDAPResult) throws {
        try self.init(controls: result.controls)
    }

    /// Reads the control among those of a result or an ``LDAPError``.
    public init?(controls: [LDAPControl]) throws {
        guard let value = controls.value(oid: ContentSyncOID.done) else { return nil }
        self = try decoding("the Sync Done control") {
            var fields = try BERFields.sequence(value)
            let cookie = try fields.optionalOctets()
            return ContentSyncDone(cookie: cookie, refreshDeletes: try fields.boolean(default: false))
        }
    }

    private init(cookie: [UInt8]?, refreshDeletes: Bool) {
        self.cookie = cookie
        self.refreshDeletes = refreshDeletes
    }
}

/// The Sync Info message (RFC 4533, section 2.5).
public enum ContentSyncInfo: Sendable, Hashable {
    /// Nothing but a new cookie.
    case newCookie([UInt8])
    /// A delete phase ends here; with `refreshDone` the refresh does.
    case refreshDelete(cookie: [UInt8]?, refreshDone: Bool)
    /// A present phase ends here: entries neither sent nor reported as present since its start are gone. With
    /// `refreshDone` the refresh ends.
    case refreshPresent(cookie: [UInt8]?, refreshDone: Bool)
    /// Several entries at once: deleted if `refreshDeletes`, else present and unchanged.
    case idSet(cookie: [UInt8]?, refreshDeletes: Bool, entryUUIDs: [UUID])

    /// Reads an event of a search; nil for other events. Throws an ``LDAPError`` (`decodingError`) for a bad message.
    public init?(_ event: LDAPSearchEvent) throws {
        guard case .intermediate(ContentSyncOID.info, let value, _) = event else { return nil }
        self = try decoding("a Sync Info message") {
            try Self.decode(BER.parse(value ?? []))
        }
    }

    /// A CHOICE of four implicit context tags.
    private static func decode(_ node: ASN1Node) throws -> ContentSyncInfo {
        let identifier = node.identifier
        guard identifier.tagClass == .contextSpecific else { throw ASN1Error.unexpectedFieldType(identifier) }
        if identifier.tagNumber == 0 {
            return .newCookie(Array(try ASN1OctetString(berEncoded: node, withIdentifier: identifier).bytes))
        }
        var fields = try BERFields(node)
        let cookie = try fields.optionalOctets()
        switch identifier.tagNumber {
        case 1:
            return .refreshDelete(cookie: cookie, refreshDone: try fields.boolean(default: true))
        case 2:
            return .refreshPresent(cookie: cookie, refreshDone: try fields.boolean(default: true))
        case 3:
            let refreshDeletes = try fields.boolean(default: false)
            var members = try BERFields(fields.required(.set))
            var entryUUIDs: [UUID] = []
            while let member = members.optional(.octetString) {
                entryUUIDs.append(try UUID(octets: member))
            }
            return .idSet(cookie: cookie, refreshDeletes: refreshDeletes, entryUUIDs: entryUUIDs)
        default:
            throw ASN1Error.unexpectedFieldType(identifier)
        }
    }
}

extension UUID {
    /// RFC 4533's syncUUID: an OCTET STRING of 16 bytes.
    fileprivate init(octets node: ASN1Node) throws {
        let bytes = try ASN1OctetString(berEncoded: node).bytes
        guard bytes.count == 16 else {
            throw ASN1Error.invalidASN1Object(reason: "an entryUUID has \(bytes.count) bytes instead of 16")
        }
        self = bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}

/// Runs a decoder; its error becomes an ``LDAPError`` that names what was decoded.
func decoding<Value>(_ subject: String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        throw LDAPError(
            code: .decodingError, operation: "decode", subject: subject, diagnosticMessage: String(describing: error))
    }
}
