import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Elements, each with the place of its change in the batch.
typealias Numbered<Element> = [(Int, Element)]

/// An open connection to the directory that is written, and what is known of the server.
struct ImportSession: Sendable {
    let connection: LDAPConnection
    let rules: ImportRules
    let planner: EntryPlanner
    /// Whether large batches may be written in transactions: the server has them, and they are wanted.
    let hasTransactions: Bool
    let writtenAttributes = WrittenAttributes()
    /// Where an organization's entries lie that are in no container, as far as that is there.
    var organizations: [OrganizationID: Place] = [:]

    /// How many operations are in flight together.
    static let operationsInFlight = 16

    static func open(_ access: DirectoryAccess, _ rules: ImportRules) async throws -> ImportSession {
        let connection = try await LDAPConnection.connect(access.connection)
        try await access.checkImportBase(connection)
        let stated = try await connection.schema(of: rules.base.string())
        let schema = DestinationSchema(
            hasStamp: stated.objectClass(Stamp.objectClass) != nil,
            hasGeneralPage: stated.objectClass("interorgGeneralPage") != nil)
        return ImportSession(
            connection: connection, rules: rules,
            planner: EntryPlanner(
                mapping: access.mapping, schema: schema, template: rules.placement,
                rules: SchemaRules(stated, mapping: access.mapping, destination: schema)),
            hasTransactions: try await hasTransactions(connection, rules))
    }

    private static func hasTransactions(_ connection: LDAPConnection, _ rules: ImportRules) async throws -> Bool {
        guard rules.transactions == .auto else { return false }
        let server = try await connection.rootDSE()
        // slapd's access log has what a refused transaction would have done, and consumers that read it believe it.
        let hasAccessLog = server["namingContexts"].contains {
            String(decoding: $0, as: UTF8.self).lowercased().hasPrefix("cn=accesslog")
        }
        return !hasAccessLog && server["supportedExtension"].contains(Array(LDAPTransaction.oid.utf8))
    }
}

extension ImportSession {
    /// The entry with this stamp: where it should be, else wherever it is below the import base.
    func find(_ id: EntryID, at place: Place?, attributes: [String]) async throws -> DirectoryEntry? {
        if let place, let found = try await connection.entry(dn: place.text, attributes: attributes) {
            let raw = DirectoryEntry(found)
            if Stamp.read(raw) == id { return raw }
        }
        let assertion = Stamp.assertion(id, schema: planner.schema)
        let found = try await connection.entries(
            base: rules.base.string(),
            filter: "(\(assertion.attribute)=\(LDAPFilter.escape(assertion.value.bytes)))", attributes: attributes)
        return found.lazy.map { DirectoryEntry($0) }.first { Stamp.read($0) == id }
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
            for _ in 0..<Self.operationsInFlight { start() }
            while let (index, result) = try await group.next() {
                results[index] = result
                start()
            }
            return results.compactMap(\.self)
        }
    }
}
