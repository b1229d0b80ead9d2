import AddressBook
import Foundation

/// What marks an imported entry with the identity it has at home. It is how a collector knows its own entries after a
/// crash, and why a synchronizer never exports what came from elsewhere.
public enum Stamp {
    /// The auxiliary class of `schemas/interorg.schema`.
    public static let objectClass = "interorgEntry"
    public static let organizationAttribute = "interorgOrganizationID"
    public static let entryAttribute = "interorgEntryUUID"
    /// Where a directory lacks our schema: a `labeledURI` (RFC 2079), whose auxiliary class is in OpenLDAP's core schema.
    public static let fallbackObjectClass = "labeledURIObject"
    public static let fallbackAttribute = "labeledURI"
    private static let organizationKey = organizationAttribute.lowercased()
    private static let entryKey = entryAttribute.lowercased()
    private static let fallbackKey = fallbackAttribute.lowercased()
    private static let uriPrefix = "urn:interorg:"

    /// The attributes to ask a directory for so that `read` can tell.
    public static let attributes = [organizationAttribute, entryAttribute, fallbackAttribute]

    /// Whose entry it is, if it was imported; nil for an entry at home.
    public static func read(_ entry: DirectoryEntry) -> EntryID? {
        // Every entry that is read passes here.
        if let organization = uuid(entry.values(lowercased: organizationKey).first),
            let uuid = uuid(entry.values(lowercased: entryKey).first)
        {
            return EntryID(organization: OrganizationID(organization), uuid: uuid)
        }
        return entry.values(lowercased: fallbackKey).lazy.compactMap { $0.text.flatMap(parse(uri:)) }.first
    }

    /// The attributes that stamp an entry.
    static func attributes(_ id: EntryID, schema: DestinationSchema) -> [DirectoryAttribute] {
        guard schema.hasStamp else { return [DirectoryAttribute(fallbackAttribute, [Value(uri(id))])] }
        return [
            DirectoryAttribute(organizationAttribute, [Value(id.organization.uuid.text)]),
            DirectoryAttribute(entryAttribute, [Value(id.uuid.text)]),
        ]
    }

    static func objectClass(schema: DestinationSchema) -> String {
        schema.hasStamp ? objectClass : fallbackObjectClass
    }

    /// An assertion (attribute and value) that is true of the entry with this stamp. The attribute may hold the
    /// entryUUID alone; read the stamp of what is found.
    public static func assertion(_ id: EntryID, schema: DestinationSchema) -> (attribute: String, value: Value) {
        schema.hasStamp
            ? (entryAttribute, Value(id.uuid.text)) : (fallbackAttribute, Value(uri(id)))
    }

    /// A filter that every stamped entry matches, those of a time without our schema included; and others that have a
    /// `labeledURI`, for which servers have no substring matching.
    public static func presence(schema: DestinationSchema) -> String {
        let fallback = "(\(fallbackAttribute)=*)"
        return schema.hasStamp ? "(|(\(entryAttribute)=*)\(fallback))" : fallback
    }

    private static func uri(_ id: EntryID) -> String {
        "\(uriPrefix)\(id.organization):\(id.uuid.text)"
    }

    private static func parse(uri: String) -> EntryID? {
        guard uri.hasPrefix(uriPrefix) else { return nil }
        let parts = uri.dropFirst(uriPrefix.count).split(separator: ":")
        guard parts.count == 2, let organization = UUID(uuidString: String(parts[0])),
            let uuid = UUID(uuidString: String(parts[1]))
        else { return nil }
        return EntryID(organization: OrganizationID(organization), uuid: uuid)
    }

    private static func uuid(_ value: Value?) -> UUID? {
        value?.text.flatMap(UUID.init(uuidString:))
    }
}
