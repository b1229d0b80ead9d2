import Foundation

/// A change sequence number, as OpenLDAP stamps every write: `20261121134512.123456Z#000000#001#000000`. It has the time
/// and the ID of the server that the write was made at; those of one server come in order.
struct ChangeStamp: Hashable, Comparable, Sendable {
    let text: String
    let serverID: Int

    /// Nil if it has another form.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].count >= 15, parts[0].last == "Z", let serverID = Int(parts[2], radix: 16)
        else { return nil }
        self.text = String(text)
        self.serverID = serverID
    }

    static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// A content synchronization cookie (RFC 4533, section 2.1.2). To the protocol it is opaque. slapd's says up to which
/// change of each server it goes (`rid=000,sid=001,csn=…;…`), which is needed where several servers have written:
/// a cookie may name one of them only, and a server may be behind another.
struct ContentSyncCookie: Hashable, Sendable {
    private enum Form: Hashable {
        case slapd(replicaID: String?, serverID: Int?, stamps: [Int: ChangeStamp])
        case opaque([UInt8])
    }

    private let form: Form

    init(_ bytes: [UInt8]) {
        form = Self.slapd(bytes) ?? .opaque(bytes)
    }

    private init(_ form: Form) {
        self.form = form
    }

    private static func slapd(_ bytes: [UInt8]) -> Form? {
        var replicaID: String?
        var serverID: Int?
        var stamps: [Int: ChangeStamp] = [:]
        for field in String(decoding: bytes, as: UTF8.self).split(separator: ",") {
            let parts = field.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "rid": replicaID = String(parts[1])
            case "sid": serverID = Int(parts[1], radix: 16)
            case "csn":
                for text in parts[1].split(separator: ";") {
                    guard let stamp = ChangeStamp(text) else { return nil }
                    stamps[stamp.serverID] = stamp
                }
            // Up to where deletions have been told; the changes before it may not have been.
            case "delcsn": continue
            default: return nil
            }
        }
        return .slapd(replicaID: replicaID, serverID: serverID, stamps: stamps)
    }

    var bytes: [UInt8] {
        switch form {
        case .opaque(let bytes): return bytes
        case .slapd(let replicaID, let serverID, let stamps):
            var fields: [String] = []
            if let replicaID { fields.append("rid=\(replicaID)") }
            if let serverID {
                let digits = String(serverID, radix: 16)
                fields.append("sid=\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)")
            }
            let texts = stamps.sorted { $0.key < $1.key }.map(\.value.text)
            if !texts.isEmpty { fields.append("csn=\(texts.joined(separator: ";"))") }
            return Array(fields.joined(separator: ",").utf8)
        }
    }

    /// Up to which change of each server it goes; empty if that is not known.
    var stamps: [Int: ChangeStamp] {
        if case .slapd(_, _, let stamps) = form { stamps } else { [:] }
    }

    /// The server that gave it; 0 is one without an ID.
    var serverID: Int {
        if case .slapd(_, let serverID, _) = form { serverID ?? 0 } else { 0 }
    }

    /// Whether there is anything in it to go on from.
    var isEmpty: Bool {
        switch form {
        case .opaque(let bytes): bytes.isEmpty
        case .slapd(_, _, let stamps): stamps.isEmpty
        }
    }

    /// The cookie after a later one of the same content: of each server the newest change, also of those that the
    /// later one does not name. A cookie of another form simply takes the earlier one's place.
    func merged(with later: ContentSyncCookie) -> ContentSyncCookie {
        guard case .slapd(let replicaID, let serverID, let stamps) = form,
            case .slapd(let laterReplicaID, let laterServerID, let laterStamps) = later.form
        else { return later }
        return ContentSyncCookie(
            .slapd(
                replicaID: laterReplicaID ?? replicaID, serverID: laterServerID ?? serverID,
                stamps: stamps.merging(laterStamps) { max($0, $1) }))
    }
}
