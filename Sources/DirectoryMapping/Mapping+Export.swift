import AddressBook
import Foundation

/// What a DN in an attribute (`secretary`, `member`) names.
public struct Reference: Hashable, Sendable {
    public var id: EntryID
    /// What a person would call it.
    public var label: String

    public init(id: EntryID, label: String) {
        self.id = id
        self.label = label
    }
}

/// Where an entry stands in its own directory.
public struct HomePlacement: Sendable {
    public var organization: OrganizationID
    /// The entryUUID of the exported container that holds it; nil directly under the base.
    public var parent: UUID?
    /// The value of its RDN.
    public var name: Value

    public init(organization: OrganizationID, parent: UUID?, name: Value) {
        self.organization = organization
        self.parent = parent
        self.name = name
    }
}

extension Mapping {
    /// What an entry is, by its object classes; nil if it is nothing that an address book shows.
    public func kind(of entry: DirectoryEntry) -> Entry.Kind? {
        if entry.isOf(objectClass: "organizationalUnit") { return .container }
        if entry.isOf(objectClass: "groupOfNames") { return .group }
        return Self.personClasses.contains(where: entry.isOf(objectClass:)) ? .person : nil
    }

    /// An entry need not list the superclasses of its class (RFC 4512, section 2.4.1).
    private static let personClasses = ["person", "organizationalPerson", "inetOrgPerson"]

    /// The filter (RFC 4515) for one stream, joined with the administrator's own for entries.
    public func filter(for stream: ChangeStream, and userFilter: String?) -> String {
        switch stream {
        case .hierarchy: "(objectClass=organizationalUnit)"
        case .contents:
            "(&(|\(Self.personClasses.map { "(objectClass=\($0))" }.joined())(objectClass=groupOfNames))\(userFilter ?? ""))"
        }
    }

    /// The canonical entry; nil if it is not an address-book entry or has no entryUUID.
    ///
    /// An entry at home is read by the rules under `export`. An imported entry, which its stamp shows, is read by
    /// undoing those under `import`: so it is just as it was before.
    ///
    /// - Parameter resolve: what a DN names; nil if it names nothing that is exported.
    public func entry(
        from raw: DirectoryEntry, at home: HomePlacement, resolve: (String) -> Reference?
    ) -> Entry? {
        guard let uuid = raw.uuid, let kind = kind(of: raw) else { return nil }
        let members = kind == .group ? raw["member"].compactMap { $0.text.flatMap(resolve)?.id } : []
        return Entry(
            id: EntryID(organization: home.organization, uuid: uuid), kind: kind, parent: home.parent,
            name: home.name, fields: fields(of: raw, kind: kind, resolve: resolve), members: members.uniqued())
    }

    /// The DNs whose meaning the entry depends on.
    public func references(in raw: DirectoryEntry) -> [String] {
        let attributes = referenceAttributes + (raw.isOf(objectClass: "groupOfNames") ? ["member"] : [])
        return attributes.flatMap { raw.values(lowercased: $0) }.compactMap(\.text)
    }

    /// Where each field of an entry at home comes from: the attributes of the recipe that gives its values.
    public func sources(in raw: DirectoryEntry, resolve: (String) -> Reference?) -> [Field: [String]] {
        guard let kind = kind(of: raw) else { return [:] }
        var sources: [Field: [String]] = [:]
        let values: SourceValues = raw.values(lowercased:)
        for rule in exportRules where Self.has(kind, rule.target) {
            let recipe = rule.recipes.first { !$0.values(in: values, resolve: resolve).isEmpty }
            sources[rule.target] = recipe?.contentSources.map(\.text)
        }
        return sources
    }

    private func fields(
        of raw: DirectoryEntry, kind: Entry.Kind, resolve: (String) -> Reference?
    ) -> [Field: [Value]] {
        var fields: [Field: [Value]] = [:]
        if kind == .person, Stamp.read(raw) != nil {
            for undoing in undoing where fields[undoing.field] == nil {
                let values = undoing.values(in: raw)
                if !values.isEmpty { fields[undoing.field] = values }
            }
            return fields
        }
        let sources: SourceValues = raw.values(lowercased:)
        fields.reserveCapacity(exportRules.count)
        for rule in exportRules where Self.has(kind, rule.target) {
            let values = rule.values(in: sources, resolve: resolve)
            guard !values.isEmpty else { continue }
            fields[rule.target] = rule.target.isSingleValued ? [values[0]] : values
        }
        return fields
    }

    /// A container has a name alone, and a group besides that what it is called.
    private static func has(_ kind: Entry.Kind, _ field: Field) -> Bool {
        kind != .container && (kind != .group || field == .displayName)
    }
}
