import Foundation
import IncrementalSync
import LDAPClient

extension DirectorySource {
    /// Waits until something has changed since the cursor, or may have. It reads nothing: the cursor stays where it is,
    /// and who is told so reads as always.
    ///
    /// - Returns: false at once if the server cannot tell: it has no content synchronization, or the cursor is none of it.
    /// - Throws: ``LDAPError`` when the connection is lost or the server cannot go on from the cursor.
    public func awaitChange(after cursor: Cursor?) async throws -> Bool {
        guard let known = cursor.flatMap({ DirectoryCursor($0) }), known.search == search,
            case .contentSync(let cookie) = known.position
        else { return false }
        let connection = try await LDAPConnection.connect(access.connection)
        defer { connection.close() }
        let request = ContentSyncRequest(mode: .refreshAndPersist, cookie: Array(cookie))
        let events = connection.search(
            base: try base.string(), filter: filter, attributes: ["1.1"], controls: [try request.control()],
            isPersistent: true)
        for try await event in events where try Self.isNews(event, since: ContentSyncCookie(Array(cookie))) {
            return true
        }
        return true
    }

    /// Whether an event says more than what is there, and how far the server is. slapd lists what is there also when
    /// nothing has changed; something may be gone only if the list is newer than the cookie.
    private static func isNews(_ event: LDAPSearchEvent, since cookie: ContentSyncCookie) throws -> Bool {
        switch event {
        case .reference: return false
        case .entry(let entry): return try ContentSyncState(entry)?.state != .present
        case .intermediate:
            switch try ContentSyncInfo(event) {
            case .idSet(_, let refreshDeletes, _): return refreshDeletes
            case .refreshPresent(let later?, _): return cookie.merged(with: ContentSyncCookie(later)) != cookie
            case .refreshPresent(nil, _), .newCookie, .refreshDelete, nil: return false
            }
        }
    }
}
