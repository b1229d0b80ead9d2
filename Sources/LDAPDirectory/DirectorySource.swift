import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// One stream of one exported base of a directory as change source: by content synchronization (RFC 4533), or by
/// listing everything where the server does not have that.
public struct DirectorySource: ChangeSource {
    let access: DirectoryAccess
    let base: LDAPDN
    let filter: String
    let stream: ChangeStream
    let index: any PlaceIndex
    let detection: ChangeDetection
    let audit: AuditSchedule
    let newRefresh: @Sendable () -> RefreshID

    /// - Parameters:
    ///   - base: what is exported is below it; it is not exported itself.
    ///   - userFilter: which entries (RFC 4515); nil for all that the mapping knows. Containers are always exported.
    ///   - index: where this organization's entries stand, as exported so far.
    ///   - audit: when everything is read and compared.
    public init(
        _ access: DirectoryAccess, base: LDAPDN, userFilter: String?, stream: ChangeStream, index: any PlaceIndex,
        detection: ChangeDetection = .auto, audit: AuditSchedule, newRefresh: @escaping @Sendable () -> RefreshID
    ) {
        self.access = access
        self.base = base
        self.filter = access.mapping.filter(for: stream, and: userFilter)
        self.stream = stream
        self.index = index
        self.detection = detection
        self.audit = audit
        self.newRefresh = newRefresh
    }

    public func read(after cursor: Cursor?) async throws -> any ChangeReader {
        let connection = try await LDAPConnection.connect(access.connection)
        let server = try await ServerState(of: base, access, connection)
        let known = cursor.flatMap { DirectoryCursor($0) }
        let plan = try ReadingPlan(
            after: known, search: search, server: server, method: try await method(of: server, connection),
            audit: audit, base: base.string())
        return DirectoryReader(source: self, connection: connection, server: server, plan: plan, known: known)
    }

    /// How the server is asked for changes.
    private func method(of server: ServerState, _ connection: LDAPConnection) async throws -> ChangeMethod {
        switch detection {
        case .contentSync: return .contentSync
        case .scan: return .scan
        case .auto:
            guard server.controls.contains(ContentSyncOID.request) else { return .scan }
            // The server may know it and not offer it for this part. A search of the base alone shows that.
            do {
                let request = ContentSyncRequest(mode: .refreshOnly)
                _ = try await connection.entries(
                    base: base.string(), scope: .base, attributes: ["1.1"], controls: [try request.control()])
                return .contentSync
            } catch LDAPResultCode.unavailableCriticalExtension {
                return .scan
            }
        }
    }

    var noContentSynchronization: DirectoryError {
        DirectoryError(
            "read \(base): the server does not support content synchronization (RFC 4533)",
            advice: "load slapd's overlay syncprov on the database, or set directory.changes to auto or scan")
    }

    /// What a position belongs to. The scope is always the subtree. With another mapping, entries that have not changed there
    /// have changed here.
    var search: [String] {
        [access.connection.url, access.connection.credentials.identity, base.normalized, filter, access.mapping.digest]
            + access.mapping.exportAttributes
    }
}
