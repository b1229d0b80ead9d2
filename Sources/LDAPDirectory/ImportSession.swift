import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Elements, each with the place of its change in the batch.
typealias Numbered<Element> = [(Int, Element)]

/// Open connections to the directory that is written, and what is known of the server.
struct ImportSession: Sendable {
    /// Nothing waits on it for what is being written: a server that writes takes its time, and reads meanwhile.
    let reader: LDAPConnection
    let writer: LDAPConnection
    /// Of a server of which it is known that a transaction may stay open for a while; else nil.
    let noting: NotingConnections?
    let rules: ImportRules
    let planner: EntryPlanner
    /// Whether a search finds an entry by its name (`entryDN`, RFC 5020) without going through all: OpenLDAP's does.
    let findsEntryDN: Bool
    /// Whether large batches may be written in transactions: the server has them, and they are wanted.
    let hasTransactions: Bool
    let writtenAttributes = WrittenAttributes()
    /// Whether the import is large, as far as it has come.
    var isLarge = false
    /// Where an organization's entries lie that are in no container, as far as that is there.
    var organizations: [OrganizationID: Place] = [:]

    /// How many searches are in flight together: see ``LDAPConnectionOptions/operationsInFlightMax``.
    private var searchesInFlight: Int { findsEntryDN ? 8 : 16 }

    static func open(_ access: DirectoryAccess, _ rules: ImportRules) async throws -> ImportSession {
        let connection = try await LDAPConnection.connect(access.connection)
        try await access.checkImportBase(connection)
        let stated = try await connection.schema(of: rules.base.string())
        let schema = DestinationSchema(
            hasStamp: stated.objectClass(Stamp.objectClass) != nil,
            hasGeneralPage: stated.objectClass("interorgGeneralPage") != nil)
        let server = try await connection.rootDSE()
        let isOpenLDAP = DirectoryEntry(server).isOf(objectClass: "OpenLDAProotDSE")
        let writing = access.connection.forWriting(to: isOpenLDAP)
        return ImportSession(
            reader: connection, writer: try await LDAPConnection.connect(writing),
            noting: isOpenLDAP ? NotingConnections(writing) : nil, rules: rules,
            planner: EntryPlanner(
                mapping: access.mapping, schema: schema, template: rules.placement,
                rules: SchemaRules(stated, mapping: access.mapping, destination: schema)),
            findsEntryDN: isOpenLDAP, hasTransactions: hasTransactions(server, rules))
    }

    private static func hasTransactions(_ server: LDAPEntry, _ rules: ImportRules) -> Bool {
        guard rules.transactions == .auto else { return false }
        // slapd's access log has what a refused transaction would have done, and consumers that read it believe it.
        let hasAccessLog = server["namingContexts"].contains {
            String(decoding: $0, as: UTF8.self).lowercased().hasPrefix("cn=accesslog")
        }
        return !hasAccessLog && server["supportedExtension"].contains(Array(LDAPTransaction.oid.utf8))
    }
}

extension LDAPConnectionOptions {
    /// Of slapd alone it is known how much is too much at once: see ``operationsInFlightMax``.
    fileprivate func forWriting(to isOpenLDAP: Bool) -> LDAPConnectionOptions {
        var options = self
        if !isOpenLDAP { options.operationsInFlightMax = 64 }
        return options
    }
}

extension Entry {
    /// The container that holds it.
    var container: EntryID? { parent.map { EntryID(organization: id.organization, uuid: $0) } }
}

extension ImportSession {
    var isOpen: Bool { reader.isOpen && writer.isOpen }

    func close() {
        reader.close()
        writer.close()
        noting?.close()
    }

    /// Where an entry belongs, given where its container stands; nil if that is not there yet.
    func container(of entry: Entry, among placed: [EntryID: Place]) -> Place? {
        guard let container = entry.container, rules.placement.mirrorsContainers else {
            return organizations[entry.id.organization]
        }
        return placed[container]
    }

    /// The entry with this stamp: where it should be, else wherever it is below the import base.
    func find(_ id: EntryID, at place: Place?, attributes: [String]) async throws -> DirectoryEntry? {
        if let place, let found = try await reader.entry(dn: place.text, attributes: attributes) {
            let raw = DirectoryEntry(found)
            if Stamp.read(raw) == id { return raw }
        }
        let assertion = Stamp.assertion(id, schema: planner.schema)
        let found = try await reader.entries(
            base: rules.base.string(),
            filter: "(\(assertion.attribute)=\(LDAPFilter.escape(assertion.value.bytes)))", attributes: attributes)
        return found.lazy.map { DirectoryEntry($0) }.first { Stamp.read($0) == id }
    }

    /// The entries with these stamps, as far as they are there.
    func find(_ sought: [(id: EntryID, place: Place)], attributes: [String]) async throws -> [EntryID: DirectoryEntry] {
        var found = findsEntryDN ? try await entries(at: sought.map(\.place), attributes: attributes) : [:]
        let missing = sought.filter { found[$0.id] == nil }
        let others = try await inFlight(missing) { try await find($0.id, at: $0.place, attributes: attributes) }
        for (id, entry) in zip(missing.map(\.id), others) { found[id] = entry }
        return found
    }

    /// So many are asked for in one search.
    private static let soughtTogether = 100

    /// What stands at these places and has a stamp.
    private func entries(at places: [Place], attributes: [String]) async throws -> [EntryID: DirectoryEntry] {
        let filters = stride(from: 0, to: places.count, by: Self.soughtTogether).map { start in
            let part = places[start..<min(start + Self.soughtTogether, places.count)]
            return "(|" + part.map { "(entryDN=\(LDAPFilter.escape($0.text)))" }.joined() + ")"
        }
        let base = try rules.base.string()
        let found = try await inFlight(filters) { filter in
            try await reader.entries(base: base, filter: filter, attributes: attributes)
        }
        var entries: [EntryID: DirectoryEntry] = [:]
        for raw in found.joined().lazy.map({ DirectoryEntry($0) }) {
            if let id = Stamp.read(raw) { entries[id] = raw }
        }
        return entries
    }

    /// Runs the operation for every element, so many at a time; the results are in the order of the elements.
    func inFlight<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ operation: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: elements.count)
            var next = 0
            func start() {
                guard next < elements.count else { return }
                let (index, element) = (next, elements[next])
                group.addTask { (index, try await operation(element)) }
                next += 1
            }
            for _ in 0..<searchesInFlight { start() }
            while let (index, result) = try await group.next() {
                results[index] = result
                start()
            }
            return results.compactMap(\.self)
        }
    }
}
