import Foundation
import LDAPClient

/// What a server says of itself and of a base before the base is read.
struct ServerState: Equatable {
    /// The controls that it supports, by OID.
    var controls: Set<String> = []
    /// The entryUUID of the base; nil if it is not shown.
    var baseUUID: UUID?
    /// The newest change of each server that this one has (`contextCSN`, at the top of its naming context); empty if it
    /// is not shown.
    var stamps: [Int: ChangeStamp] = [:]

    init(controls: Set<String> = [], baseUUID: UUID? = nil, stamps: [Int: ChangeStamp] = [:]) {
        self.controls = controls
        self.baseUUID = baseUUID
        self.stamps = stamps
    }

    /// Asks the server. Throws a ``DirectoryError`` if the base is not there.
    init(of base: LDAPDN, _ access: DirectoryAccess, _ connection: LDAPConnection) async throws {
        let root = try await connection.entry(dn: "", attributes: ["supportedControl", "namingContexts"])
        controls = Set((root?["supportedControl"] ?? []).map { String(decoding: $0, as: UTF8.self) })
        guard let entry = try await connection.entry(dn: base.string(), attributes: ["entryUUID", "contextCSN"]) else {
            throw access.missing(base, "directory.export")
        }
        baseUUID = entry.text("entryUUID").flatMap { UUID(uuidString: $0) }
        var values = entry["contextCSN"]
        let contexts = (root?["namingContexts"] ?? []).compactMap { try? LDAPDN(String(decoding: $0, as: UTF8.self)) }
        let above = contexts.filter { base.isDescendant(of: $0) && !$0.rdns.isEmpty }
        if let context = above.max(by: { $0.rdns.count < $1.rdns.count }) {
            values += try await Self.contextCSN(of: context, connection)
        }
        for stamp in values.compactMap({ ChangeStamp(String(decoding: $0, as: UTF8.self)) }) {
            stamps[stamp.serverID] = stamp
        }
    }

    private static func contextCSN(of context: LDAPDN, _ connection: LDAPConnection) async throws -> [[UInt8]] {
        do {
            return try await connection.entry(dn: context.string(), attributes: ["contextCSN"])?["contextCSN"] ?? []
        } catch LDAPResultCode.insufficientAccessRights {
            return []
        }
    }
}
