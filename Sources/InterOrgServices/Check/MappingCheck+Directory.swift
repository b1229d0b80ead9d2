import AddressBook
import DirectoryMapping
import Foundation
import LDAPClient
import LDAPDirectory

extension MappingCheck {
    /// More DNs of one entry are not looked up.
    private static let referencesMax = 200

    /// Takes an entry from the configured directory and maps it. Nothing is written.
    ///
    /// - Parameter dn: the entry; nil for the first one that would be exported.
    /// - Throws: ``CheckFailure`` for what has to be corrected, else the error of the connection.
    public static func run(_ configuration: Configuration, dn: String?) async throws -> MappingCheck {
        let directory = try LDAPOrganizationDirectory(configuration)
        let connection = try await LDAPConnection.connect(directory.access.connection)
        defer { connection.close() }
        let found = try await entry(dn, in: directory, connection)
        let mapping = directory.access.mapping
        let raw = DirectoryEntry(checked: found)
        if Stamp.read(raw) != nil {
            throw CheckFailure(
                description: "\(found.dn): this entry was imported, so it is not exported; name one of your own")
        }
        let references = try await references(in: raw, mapping, connection)
        let name = try LDAPDN(found.dn).name
        guard
            var check = MappingCheck(
                of: raw, name: name, in: directory.access.organization, mapping: mapping, references: references)
        else {
            throw CheckFailure(
                description: "\(found.dn): this is no person, group or organizational unit, so it is not exported")
        }
        check.isExported = try await isExported(found.dn, by: directory, connection)
        check.unknownAttributes = try await unknownAttributes(of: mapping, at: found.dn, connection)
        return check
    }

    private static func entry(
        _ dn: String?, in directory: LDAPOrganizationDirectory, _ connection: LDAPConnection
    ) async throws -> LDAPEntry {
        let attributes = ["*"] + directory.access.mapping.exportAttributes
        if let dn {
            guard (try? LDAPDN(dn)) != nil else {
                throw CheckFailure(description: "\"\(dn)\" is not a DN; expected something like uid=anna,dc=example")
            }
            if let entry = try await connection.entry(dn: dn, attributes: attributes) { return entry }
            throw CheckFailure(description: "\(dn): there is no such entry, or the connector may not see it")
        }
        for base in directory.bases.values.sorted(by: { $0.base.normalized < $1.base.normalized }) {
            let filter = directory.access.mapping.filter(for: .contents, and: base.filter)
            let search = connection.search(base: try base.base.string(), filter: filter, attributes: attributes)
            for try await case .entry(let entry) in search
            where Stamp.read(DirectoryEntry(checked: entry)) == nil { return entry }
        }
        throw CheckFailure(
            description: "no entry would be exported: name one by its DN, or correct directory.export")
    }

    private static func isExported(
        _ dn: String, by directory: LDAPOrganizationDirectory, _ connection: LDAPConnection
    ) async throws -> Bool {
        let name = try LDAPDN(dn)
        guard let base = directory.bases.values.first(where: { name.isDescendant(of: $0.base) }) else { return false }
        if let importBase = directory.access.importBase, name == importBase || name.isDescendant(of: importBase) {
            return false
        }
        for stream in ChangeStream.allCases {
            let filter = directory.access.mapping.filter(for: stream, and: base.filter)
            let found = try await connection.entries(base: dn, scope: .base, filter: filter, attributes: ["1.1"])
            if !found.isEmpty { return true }
        }
        return false
    }

    /// What the DNs in an entry name: here whatever the connector sees, in a synchronization just what is exported.
    private static func references(
        in raw: DirectoryEntry, _ mapping: Mapping, _ connection: LDAPConnection
    ) async throws -> [String: Reference] {
        var references: [String: Reference] = [:]
        for dn in mapping.references(in: raw).prefix(referencesMax) where references[dn] == nil {
            guard let name = try? LDAPDN(dn).name,
                let found = try await connection.entry(dn: dn, attributes: mapping.exportAttributes)
            else { continue }
            let home = HomePlacement(organization: OrganizationID(UUID()), parent: nil, name: name)
            let entry = mapping.entry(from: DirectoryEntry(checked: found), at: home, resolve: { _ in nil })
            references[dn] = entry.map { Reference(id: $0.id, label: $0.label) }
        }
        return references
    }

    /// Attributes of ours are left out: a directory may lack our schema.
    private static func unknownAttributes(
        of mapping: Mapping, at dn: String, _ connection: LDAPConnection
    ) async throws -> [String] {
        let schema: LDAPSchema
        do {
            schema = try await connection.schema(of: dn)
        } catch LDAPResultCode.noSuchObject {
            return []
        }
        let everything = DestinationSchema(hasStamp: true, hasGeneralPage: true)
        let named = mapping.exportAttributes + mapping.managedAttributes(for: .person, schema: everything)
        let unknown = named.filter { name in
            let type = name.lowercased().prefix { $0 != ";" }
            return type.first?.isLetter == true && !type.hasPrefix("interorg") && schema.attributeType(name) == nil
        }
        return Set(unknown).sorted()
    }
}

extension LDAPDN {
    /// What an entry would be called in the address book: of several values the `uid`.
    fileprivate var name: Value {
        let values = rdn?.attributeValues ?? []
        return Value((values.first { $0.type.lowercased() == "uid" } ?? values.first)?.value ?? [])
    }
}

extension DirectoryEntry {
    fileprivate init(checked entry: LDAPEntry) {
        self.init(
            dn: entry.dn, uuid: entry.text("entryUUID").flatMap { UUID(uuidString: $0) },
            attributes: entry.attributes.map { (name: $0.name, values: $0.values.map { Value($0) }) })
    }
}
