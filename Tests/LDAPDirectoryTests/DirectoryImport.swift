import AddressBook
import DirectoryMapping
import Foundation
import GRDB
import IncrementalSync
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport

/// An organization that imports others' entries into its directory on a real slapd.
struct DirectoryImport {
    static let branch = OrganizationID(derivedFromName: "branch")
    static let own = OrganizationID(derivedFromName: "home")
    static let branchDN = "ou=branch,\(SlapdServer.importBase)"

    let server: SlapdServer
    var store: ServiceStore
    private let strays = StrayEntries()
    /// The label of the organization that the entries come from.
    var organizationName = "branch"
    var importBase = SlapdServer.importBase
    /// Where the collector connects to, if that is not the server itself.
    var url: String?
    /// Who the collector is; nil for the administrator.
    var bindDN: String?
    /// Names the changes that come next: what has been committed is not offered again under the same name. Nil: every
    /// synchronization offers its changes.
    var edition: String?
    /// The source is a log: what it has is news, even if the state has the same already.
    var offersAnyway = false
    var transactions = TransactionUse.never
    /// How many changes come in one batch; nil: all of a stream.
    var batchSize: Int?
    /// Whether a batch may be read, and foreseen, while the one before is being imported.
    var readsAhead = false
    var placement = PlacementTemplate.mirroring
    var adoption: String?
    var now = Date(timeIntervalSinceReferenceDate: 800_000_000)

    init(into server: SlapdServer) throws {
        self.server = server
        self.store = try ServiceStore(database: DatabaseQueue())
    }

    /// Changes → directory, hierarchy first.
    @discardableResult
    func synchronize(hierarchy: [Change] = [], _ contents: [Change] = []) async throws -> SynchronizationReport {
        try await Agent(
            hierarchy: synchronizer(.hierarchy, hierarchy), contents: synchronizer(.contents, contents)
        ).synchronize()
    }

    private func synchronizer(_ stream: ChangeStream, _ changes: [Change]) async throws -> Synchronizer {
        try await synchronizer(
            stream,
            from: ListedChanges(
                changes: changes, batchSize: batchSize, edition: edition, isLog: offersAnyway, readsAhead: readsAhead))
    }

    /// As a service puts it together, but for trying again.
    func synchronizer(_ stream: ChangeStream, from source: any ChangeSource) async throws -> Synchronizer {
        let state = try await state(stream)
        let now = now
        let retry = Retry(
            Backoff(first: .zero, longest: .zero),
            pauses: Pauses(elapsed: { .zero }, wait: { _ in }, random: { 0 }), isTransient: { _ in false })
        return Synchronizer(
            from: source, to: RetryingCollector(try await collector(state), retry), state: state,
            deletionGuard: DeletionGuard(percent: 100), now: { now })
    }

    func state(_ stream: ChangeStream) async throws -> StoredSynchronizationState {
        try await StoredSynchronizationState.open(
            "import", stream, SynchronizationEnds(destination: "directory"), in: store)
    }

    func collector(_ state: StoredSynchronizationState) async throws -> DirectoryCollector {
        let name = organizationName
        var access = try await server.access(of: Self.own, importBase: importBase, bindDN: bindDN)
        if let url { access.connection.url = url }
        return DirectoryCollector(
            access,
            ImportRules(
                base: try LDAPDN(importBase), placement: placement, adoption: adoption, transactions: transactions),
            index: state.destinationIndex, strays: strays,
            organizationName: { $0 == Self.branch ? name : nil })
    }

    /// Everything below the import base, by its DN relative to that, with all attributes but the operational ones; DNs among
    /// the values are relative as well, and values are in order where the order has no meaning.
    func contents() async throws -> [String: [String: [String]]] {
        let connection = try await server.connect()
        defer { connection.close() }
        var contents: [String: [String: [String]]] = [:]
        for entry in try await connection.entries(base: importBase) where entry.dn != importBase {
            var attributes: [String: [String]] = [:]
            for attribute in entry.attributes {
                let values = attribute.values.map { value in
                    String(decoding: value, as: UTF8.self).replacingOccurrences(of: importBase, with: "…")
                }
                attributes[attribute.name] = attribute.name == "mail" ? values : values.sorted()
            }
            contents[String(entry.dn.dropLast(importBase.count + 1))] = attributes
        }
        return contents
    }

    /// Everything below the organization's container: DNs relative to the import base, in order.
    func names() async throws -> [String] {
        let connection = try await server.connect()
        defer { connection.close() }
        return try await connection.entries(base: importBase, attributes: ["1.1"]).map(\.dn)
            .filter { $0 != importBase && $0 != "ou=\(organizationName),\(importBase)" }
            .map { String($0.dropLast(importBase.count + 1)) }.sorted()
    }

    /// The imported entry of that DN relative to the import base.
    func entry(_ name: String) async throws -> LDAPEntry? {
        let connection = try await server.connect()
        defer { connection.close() }
        return try await connection.entry(dn: "\(name),\(importBase)", attributes: ["*", "+"])
    }

    func problems() async throws -> [Problem] {
        try await store.problems().map(\.problem)
    }

    /// Which entries stand elsewhere than they would if no other entry stood there, relative to the import base.
    func displaced() async throws -> [String] {
        try await store.displacedEntries(limit: 100).map { entry in
            [entry.place, entry.wanted].map { String($0.text.dropLast(importBase.count + 1)) }.joined(
                separator: " for ")
        }
    }

    /// Changes the directory as its administrator.
    func asAdministrator(_ body: (LDAPConnection) async throws -> Void) async throws {
        let connection = try await server.connect()
        defer { connection.close() }
        try await body(connection)
    }
}

/// A source that has these changes, in batches of some size.
private struct ListedChanges: ChangeSource {
    var changes: [Change]
    var batchSize: Int?
    var edition: String?
    var isLog: Bool
    var readsAhead: Bool

    func read(after cursor: IncrementalSync.Cursor?) async throws -> any ChangeReader {
        let next = edition.map { IncrementalSync.Cursor(bytes: Array($0.utf8)) }
        if changes.isEmpty || next != nil && next == cursor { return Reader(batches: []) }
        let observations = changes.map { Observation(.change($0), number: isLog ? 1 : nil) }
        let size = batchSize ?? observations.count
        return Reader(
            batches: stride(from: 0, to: observations.count, by: size).map { start in
                let end = min(start + size, observations.count)
                return ChangeBatch(
                    observations: Array(observations[start..<end]), cursor: end == observations.count ? next : nil,
                    allowsReadingAhead: readsAhead)
            })
    }

    private actor Reader: ChangeReader {
        var batches: [ChangeBatch]

        init(batches: [ChangeBatch]) {
            self.batches = batches
        }

        func next() -> ChangeBatch? { batches.isEmpty ? nil : batches.removeFirst() }
    }
}

extension EntryID {
    /// The branch's entry of that number.
    static func branch(_ number: Int) -> EntryID {
        let digits = String(number, radix: 16)
        let text = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        return EntryID(organization: DirectoryImport.branch, uuid: UUID(uuidString: text) ?? UUID())
    }
}

extension EntryID {
    /// What its name has in addition while another entry has the plain one.
    var suffix: String {
        NameSuffix(of: self).name(after: .init(attribute: "cn", value: "")).value.description
    }
}

extension Change {
    /// A person of the branch, named by the alias.
    static func person(
        _ number: Int, _ alias: Value, in parent: Int? = nil, _ fields: [Field: [Value]] = [:]
    ) -> Change {
        let known: [Field: [Value]] = [.alias: [alias], .sn: ["Person"], .displayName: [alias]]
        return .upsert(
            Entry(
                id: .branch(number), kind: .person, parent: parent.map { EntryID.branch($0).uuid }, name: alias,
                fields: known.merging(fields) { $1 }))
    }

    static func container(_ number: Int, _ name: Value, in parent: Int? = nil) -> Change {
        .upsert(
            Entry(id: .branch(number), kind: .container, parent: parent.map { EntryID.branch($0).uuid }, name: name))
    }

    static func group(_ number: Int, _ name: Value, of members: [Int]) -> Change {
        .upsert(Entry(id: .branch(number), kind: .group, name: name, members: members.map { .branch($0) }))
    }

    static func delete(_ number: Int) -> Change { .delete(.branch(number)) }
}
