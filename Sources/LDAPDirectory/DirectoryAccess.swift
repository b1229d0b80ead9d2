import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// What both sides of the adapter need to know of a directory.
public struct DirectoryAccess: Sendable {
    public var connection: LDAPConnectionOptions
    public var mapping: Mapping
    /// Whose directory it is.
    public var organization: OrganizationID
    /// Below it are the entries of other organizations; nil if none are imported.
    public var importBase: LDAPDN?

    public init(
        connection: LDAPConnectionOptions, mapping: Mapping, organization: OrganizationID, importBase: LDAPDN?
    ) {
        self.connection = connection
        self.mapping = mapping
        self.organization = organization
        self.importBase = importBase
    }
}

extension DirectoryAccess {
    /// Connects, and looks for the exported bases and the import base.
    public func check(exports: [LDAPDN]) async throws {
        let connection = try await LDAPConnection.connect(connection)
        defer { connection.close() }
        for base in exports where try await connection.entry(dn: base.string(), attributes: ["1.1"]) == nil {
            throw missing(base, "directory.export")
        }
        try await checkImportBase(connection)
    }

    func checkImportBase(_ connection: LDAPConnection) async throws {
        guard let importBase, try await connection.entry(dn: importBase.string(), attributes: ["1.1"]) == nil else {
            return
        }
        throw missing(importBase, "directory.import.base")
    }

    func missing(_ base: LDAPDN, _ key: String) -> DirectoryError {
        DirectoryError(
            "\(base) at \(connection.url): there is no such entry, or the connector may not see it",
            advice: "create it, correct \(key), or check the server's access rules")
    }
}

extension LDAPDN {
    /// The name as a place: every way of writing it has the same key.
    var place: Place {
        get throws { Place(key: normalized, text: try string()) }
    }
}

extension LDAPEntry {
    /// What its values take.
    var valueBytes: Int {
        attributes.reduce(0) { sum, attribute in attribute.values.reduce(sum) { $0 + $1.count } }
    }
}

extension DirectoryEntry {
    init(_ entry: LDAPEntry) {
        self.init(entry, uuid: entry.text("entryUUID").flatMap { UUID(uuidString: $0) })
    }

    init(_ entry: LDAPEntry, uuid: UUID?) {
        let attributes = entry.attributes.map { (name: $0.name, values: $0.values.map { Value($0) }) }
        self.init(dn: entry.dn, uuid: uuid, attributes: attributes)
    }
}
