import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// One stream of one exported base of a directory as change source, by content synchronization (RFC 4533).
public struct DirectorySource: ChangeSource {
    let access: DirectoryAccess
    let base: LDAPDN
    let filter: String
    let stream: ChangeStream
    let index: any PlaceIndex
    let newRefresh: @Sendable () -> RefreshID

    static let batchSize = 500

    /// - Parameters:
    ///   - base: what is exported is below it; it is not exported itself.
    ///   - userFilter: which entries (RFC 4515); nil for all that the mapping knows. Containers are always exported.
    ///   - index: where this organization's entries stand, as exported so far.
    public init(
        _ access: DirectoryAccess, base: LDAPDN, userFilter: String?, stream: ChangeStream, index: any PlaceIndex,
        newRefresh: @escaping @Sendable () -> RefreshID
    ) {
        self.access = access
        self.base = base
        self.filter = access.mapping.filter(for: stream, and: userFilter)
        self.stream = stream
        self.index = index
        self.newRefresh = newRefresh
    }

    public func read(after cursor: Cursor?) async throws -> any ChangeReader {
        let connection = try await LDAPConnection.connect(access.connection)
        return DirectoryReader(
            source: self, connection: connection, cookie: cursor.flatMap { cookie(from: $0) }, refresh: newRefresh())
    }

    /// A cookie means something only to the server that gave it, for the search that it was given for: with another
    /// filter slapd answers "nothing new". With another mapping, entries that have not changed there have changed here.
    private struct BoundCookie: Codable {
        var search: [String]
        var cookie: Data
    }

    private var search: [String] {
        let identity: String =
            if case .simple(let dn, _) = access.connection.credentials { dn } else { "" }
        return [access.connection.url, identity, base.normalized, filter, access.mapping.digest]
            + access.mapping.exportAttributes
    }

    private func cookie(from cursor: Cursor) -> [UInt8]? {
        guard let bound = try? JSONDecoder().decode(BoundCookie.self, from: Data(cursor.bytes)), bound.search == search
        else { return nil }
        return Array(bound.cookie)
    }

    func cursor(from cookie: [UInt8]) throws -> Cursor {
        Cursor(bytes: Array(try JSONEncoder().encode(BoundCookie(search: search, cookie: Data(cookie)))))
    }
}
