import AddressBook
import DirectoryMapping
import Foundation

/// What a mapping makes of a real entry. The values of attributes that do not travel are not in it.
public struct MappingCheck: Encodable, Sendable {
    /// An attribute or a field. A value that is no text is in Base64, after `base64:`.
    public struct Values: Encodable, Sendable {
        public var name: String
        public var values: [String]
    }

    /// The entry as a destination would have it.
    public struct Written: Encodable, Sendable {
        /// Attribute and value that name it.
        public var rdn: String
        public var objectClasses: [String]
        public var attributes: [Values]
        /// Fields that the entry has, and that such a directory has no place for.
        public var fieldsMissing: [String]
    }

    /// The entry's own DN.
    public var dn: String
    /// False if it is outside the export bases, or their filter does not find it.
    public var isExported: Bool
    /// The mapping's name or file.
    public var mapping: String
    /// The attributes that fields come from.
    public var attributes: [Values]
    /// The names of the others that the connector sees.
    public var attributesNotTravelling: [String]
    /// What the entry is in the address book: person, group or container.
    public var kind: String
    /// How it is called there.
    public var name: String
    public var fields: [Values]
    /// How many members a group has that would travel.
    public var members: Int
    /// Fields that it has, and that the mapping does not import.
    public var fieldsNotImported: [String]
    /// The entry in a directory with the schema of `schemas/`.
    public var withSchema: Written
    /// The entry in one without it.
    public var withoutSchema: Written
    /// Attributes that the mapping names and the server's schema does not have.
    public var unknownAttributes: [String]
}

extension MappingCheck {
    /// What tells the connector which entry it is, and of which kind.
    private static let identity: Set = ["objectclass", "entryuuid"]

    /// - Parameters:
    ///   - organization: whose entry it is.
    ///   - references: what the DNs in the entry name.
    /// - Returns: nil if the entry is none of an address book.
    init?(
        of raw: DirectoryEntry, name: Value, in organization: OrganizationID, mapping: Mapping,
        references: [String: Reference]
    ) {
        let home = HomePlacement(organization: organization, parent: nil, name: name)
        guard let entry = mapping.entry(from: raw, at: home, resolve: { references[$0] }) else { return nil }
        let sources = mapping.sources(in: raw, resolve: { references[$0] })
        let travelling = Set(
            (Array(sources.values.joined()) + (entry.kind == .group ? ["member"] : [])).map { $0.lowercased() })
        let written = Set(mapping.importedFields)

        self.dn = raw.dn
        isExported = true
        self.mapping = mapping.name
        attributes = mapping.exportAttributes.filter { travelling.contains($0.lowercased()) && !raw[$0].isEmpty }
            .map { Values(name: $0, values: raw[$0].map(\.description)) }
        attributesNotTravelling = raw.attributeNames.filter { !travelling.contains($0) && !Self.identity.contains($0) }
        kind = entry.kind.rawValue
        self.name = entry.name.description
        fields = Field.generalPage.filter { !entry[$0].isEmpty }
            .map { Values(name: $0.rawValue, values: entry[$0].map(\.description)) }
        members = entry.members.count
        fieldsNotImported =
            entry.kind == .person ? entry.fields.keys.filter { !written.contains($0) }.map(\.rawValue).sorted() : []
        withSchema = Written(entry, by: mapping, hasSchema: true)
        withoutSchema = Written(entry, by: mapping, hasSchema: false)
        unknownAttributes = []
    }
}

extension MappingCheck.Written {
    init(_ entry: Entry, by mapping: Mapping, hasSchema: Bool) {
        let schema = DestinationSchema(hasStamp: hasSchema, hasGeneralPage: hasSchema)
        let desired = mapping.desired(entry, schema: schema)
        rdn = "\(desired.rdnAttribute)=\(desired.rdnValue)"
        objectClasses = desired.objectClasses
        let everywhere = DestinationSchema(hasStamp: true, hasGeneralPage: true)
        fieldsMissing = mapping.carriedFields(schema: everywhere).subtracting(mapping.carriedFields(schema: schema))
            .filter { !entry[$0].isEmpty }.map(\.rawValue).sorted()
        attributes = desired.attributes.filter { !$0.values.isEmpty }
            .map { MappingCheck.Values(name: $0.name, values: $0.values.map(\.description)) }
    }
}
