import Foundation
import LDAPClient

/// What one reading does, decided before anything is read.
struct ReadingPlan: Equatable {
    enum Pass: Equatable {
        /// What has changed since the position. A scan does not mark what is there: if it turns out that something is
        /// missing, a pass that does follows.
        case changes(since: DirectoryCursor.Position)
        /// The names of everything there is; what is known and not there is gone.
        case missing(since: DirectoryCursor.Position)
        /// Everything there is, compared with what is known; what is known and not there is gone.
        case everything
    }

    /// How changes are found.
    var method: ChangeMethod
    /// One after the other. Changes first: an audit that cannot end holds up none of them.
    var passes: [Pass]
    /// The directory has been loaded anew: its entries may have other UUIDs than before.
    var isReloaded: Bool

    /// - Parameters:
    ///   - known: where the last reading ended.
    ///   - search: what a position has to belong to.
    /// - Throws: ``LDAPError`` (`unavailable`) if the server is behind what it has shown before.
    init(
        after known: DirectoryCursor?, search: [String], server: ServerState, method: ChangeMethod,
        audit: AuditSchedule, base: String
    ) throws {
        self.method = method
        isReloaded = known?.baseUUID != nil && server.baseUUID != nil && known?.baseUUID != server.baseUUID
        guard let known, known.search == search, let position = known.position, position.method == method, !isReloaded,
            try !Self.isRestored(server, since: position, base: base)
        else {
            passes = [.everything]
            return
        }
        passes = [.changes(since: position)] + (audit.isDue(after: known.auditedAt) ? [.everything] : [])
    }

    /// Whether the server has been set back to an earlier state: of its own changes it has fewer than before. Of
    /// another server's it may have fewer because it has still to catch up, and nothing can be read from it until it
    /// has, whatever has become of its own: what it lacks is not gone.
    private static func isRestored(
        _ server: ServerState, since position: DirectoryCursor.Position, base: String
    ) throws -> Bool {
        guard case .contentSync(let bytes) = position, !server.stamps.isEmpty else { return false }
        let cookie = ContentSyncCookie(Array(bytes))
        let lost = cookie.stamps.filter { serverID, stamp in server.stamps[serverID].map { $0 < stamp } ?? true }
        for (serverID, stamp) in lost.sorted(by: { $0.key < $1.key }) where serverID != cookie.serverID {
            let current = server.stamps[serverID].map { "up to \($0.text), and had them" } ?? "no more, and had them"
            throw unavailable(
                base,
                "the server is behind what it has shown before: it has the changes of server ID \(serverID) "
                    + "\(current) up to \(stamp.text). It is read again when it has caught up. Any write at that "
                    + "server ends this, if all were restored from a backup; interorg resync export does, if that "
                    + "server is gone for good")
        }
        return !lost.isEmpty
    }

    /// What slapd's refusal of a cookie means (`unwillingToPerform`), where it does not show its own stamps.
    ///
    /// - Throws: ``LDAPError`` (`unavailable`) if another server may still bring what this one lacks.
    static func refused(_ cookie: ContentSyncCookie, by error: LDAPError, base: String) throws -> RefreshRequired {
        // A database that is being filled has no stamps before it is full.
        let isBeingFilled = error.diagnosticMessage.contains("provider doesn't")
        guard !isBeingFilled, cookie.stamps.keys.allSatisfy({ $0 == cookie.serverID }) else {
            throw unavailable(
                base,
                "the server lacks what it has shown before, and another server may still bring it "
                    + "(\(error.diagnosticMessage)). It is read again when it has caught up; interorg resync export "
                    + "ends this, if no other server will. Let the connector's identity read contextCSN, which tells more"
            )
        }
        return RefreshRequired()
    }

    private static func unavailable(_ base: String, _ message: String) -> LDAPError {
        LDAPError(code: .unavailable, operation: "read", subject: base, diagnosticMessage: message)
    }
}
