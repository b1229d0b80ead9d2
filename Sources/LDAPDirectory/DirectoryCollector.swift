import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// Whether a directory is written in transactions (RFC 5805).
public enum TransactionUse: String, Sendable, CaseIterable {
    /// Never: a transaction holds up other writers, and one operation refused is all of them.
    case never
    /// For batches that are large, if the server has transactions.
    case auto
}

/// A directory as collector. Entries of an organization live in `ou=<organization>` under the import base.
///
/// The stamp in an entry is the truth about whose it is; the recorded place only tells where to look first. So an
/// import that was interrupted, or a state restored from a backup, meets its own entries again and goes on.
public actor DirectoryCollector: Collector {
    let access: DirectoryAccess
    let importBase: LDAPDN
    let index: any PlaceIndex
    let strays: StrayEntries
    let organizationName: @Sendable (OrganizationID) async throws -> String?
    let transactions: TransactionUse
    private var session: Session?

    /// An open connection and what is known of the server.
    struct Session: Sendable {
        var connection: LDAPConnection
        var schema: DestinationSchema
        /// Whether large batches may be added in transactions: the server has them, and they are wanted.
        var hasTransactions: Bool
        var organizations: [OrganizationID: LDAPDN] = [:]
    }

    /// How many operations are in flight together.
    static let operationsInFlight = 16

    /// - Parameters:
    ///   - index: where the entries imported so far stand.
    ///   - strays: shared by all collectors of the directory.
    ///   - transactions: whether large batches are added in transactions.
    ///   - organizationName: the label that names an organization's container.
    public init(
        _ access: DirectoryAccess, importBase: LDAPDN, index: any PlaceIndex, strays: StrayEntries,
        transactions: TransactionUse = .never,
        organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) {
        self.access = access
        self.importBase = importBase
        self.index = index
        self.strays = strays
        self.transactions = transactions
        self.organizationName = organizationName
    }

    /// Order: what frees a DN before what takes it, parents before children; everything else in flight together.
    public func importChanges(_ offered: [OfferedChange]) async throws -> ImportResult {
        do {
            return try await importAll(offered)
        } catch {
            // Some of it may have been written; and a connection on which something has failed may be of no use.
            close()
            await strays.forget()
            throw error
        }
    }

    private func importAll(_ offered: [OfferedChange]) async throws -> ImportResult {
        let session = try await openSession()
        var batch = try await ImportBatch(of: offered, collector: self, session: session)
        let changes = offered.map(\.change)
        var outcomes = [Outcome?](repeating: nil, count: changes.count)
        let deletions = changes.indices.filter { changes[$0].entry == nil }
        let containers = changes.indices.filter { changes[$0].entry?.kind == .container }
        let rest = changes.indices.filter { changes[$0].entry.map { $0.kind != .container } ?? false }

        for (index, outcome) in try await batch.delete(deletions.map { ($0, changes[$0].id) }) {
            outcomes[index] = outcome
        }
        for (index, outcome) in try await batch.importContainers(
            containers.compactMap { index in
                changes[index].entry.map { (index, $0) }
            })
        {
            outcomes[index] = outcome
        }
        for (index, outcome) in try await batch.importEntries(
            rest.compactMap { index in
                changes[index].entry.map { (index, $0) }
            })
        {
            outcomes[index] = outcome
        }
        self.session = batch.session
        return ImportResult(outcomes: outcomes.map { $0 ?? .waiting(reason: "it was not tried") })
    }

    public func finish() async throws -> ImportResult {
        close()
        return ImportResult(outcomes: [])
    }

    public func close() {
        session?.connection.close()
        session = nil
    }

    private func openSession() async throws -> Session {
        if let session, session.connection.isOpen { return session }
        let connection = try await LDAPConnection.connect(access.connection)
        try await access.checkImportBase(connection)
        let stated = try await connection.schema(of: importBase.string())
        let schema = DestinationSchema(
            hasStamp: stated.objectClass(Stamp.objectClass) != nil,
            hasGeneralPage: stated.objectClass("interorgGeneralPage") != nil)
        let session = Session(
            connection: connection, schema: schema, hasTransactions: try await hasTransactions(connection))
        self.session = session
        return session
    }

    private func hasTransactions(_ connection: LDAPConnection) async throws -> Bool {
        guard transactions == .auto else { return false }
        return try await connection.rootDSE()["supportedExtension"].contains(Array(LDAPTransaction.oid.utf8))
    }
}
