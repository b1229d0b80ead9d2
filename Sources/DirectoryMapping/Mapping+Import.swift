import AddressBook
import Foundation

/// One attribute and its values.
public struct DirectoryAttribute: Hashable, Sendable {
    public var name: String
    public var values: [Value]

    public init(_ name: String, _ values: [Value]) {
        self.name = name
        self.values = values
    }

    /// - Parameter key: a name in lower case.
    func isNamed(_ key: String) -> Bool { name.utf8.count == key.utf8.count && name.lowercased() == key }
}

/// What of our schema a destination knows.
public struct DestinationSchema: Hashable, Sendable {
    /// `interorgEntry`: without it the stamp is a `labeledURI`.
    public var hasStamp: Bool
    /// `interorgGeneralPage`: without it country text and assistant are not written.
    public var hasGeneralPage: Bool

    public init(hasStamp: Bool, hasGeneralPage: Bool) {
        self.hasStamp = hasStamp
        self.hasGeneralPage = hasGeneralPage
    }
}

/// What an entry has to look like in the destination.
public struct DesiredEntry: Hashable, Sendable {
    /// Attribute and value of its RDN. `attributes` holds the value too.
    public var rdnAttribute: String
    public var rdnValue: Value
    public var objectClasses: [String]
    public var attributes: [DirectoryAttribute]

    public subscript(name: String) -> [Value] {
        attributes.first { $0.isNamed(name.lowercased()) }?.values ?? []
    }
}

extension Mapping {
    /// The attributes that the mapping manages in an imported entry of a kind. Whatever else an entry has there
    /// belongs to others and is left alone.
    public func managedAttributes(for kind: Entry.Kind, schema: DestinationSchema) -> [String] {
        switch kind {
        case .container: ["ou"]
        case .group: ["cn", "member"]
        default:
            Self.required + rules(for: schema).filter { !Self.required.contains($0.target.key) }.map(\.target.text)
        }
    }

    /// The classes of an imported entry.
    public func objectClasses(of kind: Entry.Kind, schema: DestinationSchema) -> [String] {
        let classes =
            switch kind {
            case .container: ["top", "organizationalUnit"]
            case .group: ["top", "groupOfNames"]
            default:
                ["top", "person", "organizationalPerson", "inetOrgPerson"]
                    + (schema.hasGeneralPage ? ["interorgGeneralPage"] : [])
            }
        return classes + [Stamp.objectClass(schema: schema)]
    }

    /// - Parameters:
    ///   - members: the DNs, in the destination, of a group's members.
    ///   - placement: what the entry is called there.
    ///   - suffix: tells the entry from another that has the same name in the same container; nil normally.
    public func desired(
        _ entry: Entry, schema: DestinationSchema, members: [Value] = [], placement: PlacementTemplate = .mirroring,
        suffix: NameSuffix? = nil
    ) -> DesiredEntry {
        var desired: DesiredEntry
        switch entry.kind {
        case .container: desired = container(entry)
        case .group: desired = group(entry, members: members)
        default: desired = person(entry, schema: schema)
        }
        if let name = placement.name(of: entry) { desired.rename(to: name) }
        if let suffix { desired.rename(to: suffix.name(after: desired.name)) }
        desired.objectClasses = objectClasses(of: entry.kind, schema: schema)
        desired.attributes += Stamp.attributes(entry.id, schema: schema)
        return desired
    }

    private func container(_ entry: Entry) -> DesiredEntry {
        DesiredEntry(
            rdnAttribute: "ou", rdnValue: entry.name, objectClasses: [],
            attributes: [DirectoryAttribute("ou", [entry.name])])
    }

    private func group(_ entry: Entry, members: [Value]) -> DesiredEntry {
        DesiredEntry(
            rdnAttribute: "cn", rdnValue: entry.name, objectClasses: [],
            attributes: [
                DirectoryAttribute("cn", distinct([entry.name] + entry[.displayName])),
                DirectoryAttribute("member", members),
            ])
    }

    private func person(_ entry: Entry, schema: DestinationSchema) -> DesiredEntry {
        var attributes: [DirectoryAttribute] = []
        let sources: SourceValues = { entry[Field(rawValue: $0)] }
        for rule in rules(for: schema) {
            let values = rule.values(in: sources, resolve: { _ in nil })
            if !values.isEmpty {
                attributes.append(DirectoryAttribute(rule.target.text, rule.changesValues ? distinct(values) : values))
            }
        }
        let isNamedByAlias = attributes.contains { $0.isNamed("uid") && $0.values.contains(entry.name) }
        let commonName = attributes.remove("cn")?.values.first ?? entry[.displayName].first ?? entry.name
        attributes.insert(
            DirectoryAttribute("cn", isNamedByAlias ? [commonName] : distinct([entry.name, commonName])), at: 0)
        // `person` requires a surname (RFC 4519, section 3.12): the last word of what the entry is called.
        if !attributes.contains(where: { $0.isNamed("sn") }) {
            attributes.append(DirectoryAttribute("sn", [lastWord(commonName)]))
        }
        return DesiredEntry(
            rdnAttribute: isNamedByAlias ? "uid" : "cn", rdnValue: entry.name,
            objectClasses: [], attributes: attributes)
    }

    /// What `person` requires, whether or not the mapping has a rule for it.
    private static let required = ["cn", "sn"]

    private func rules(for schema: DestinationSchema) -> some Sequence<Rule<SourceName>> {
        importRules.lazy.filter { schema.hasGeneralPage || !$0.needsSchema }
    }

    private func lastWord(_ value: Value) -> Value {
        value.text?.split(whereSeparator: \.isWhitespace).last.map { Value(String($0)) } ?? value
    }

    /// Values that caseIgnoreMatch tells apart: a server refuses two that it does not.
    private func distinct(_ values: [Value]) -> [Value] {
        var seen: Set<[UInt8]> = []
        return values.filter { seen.insert(CaseIgnore.fold($0.bytes)).inserted }
    }
}

extension [DirectoryAttribute] {
    fileprivate mutating func remove(_ name: String) -> DirectoryAttribute? {
        firstIndex { $0.isNamed(name) }.map { remove(at: $0) }
    }
}

extension DesiredEntry {
    /// The attribute and value of its RDN.
    var name: PlacementTemplate.Name { PlacementTemplate.Name(attribute: rdnAttribute, value: rdnValue) }

    fileprivate mutating func rename(to name: PlacementTemplate.Name) {
        rdnAttribute = name.attribute
        rdnValue = name.value
        let key = name.attribute.lowercased()
        guard let index = attributes.firstIndex(where: { $0.isNamed(key) }) else {
            return attributes.append(DirectoryAttribute(name.attribute, [name.value]))
        }
        let folded = CaseIgnore.fold(name.value.bytes)
        // A value that differs only in what names are compared without is the same to the server.
        if !attributes[index].values.contains(where: { CaseIgnore.fold($0.bytes) == folded }) {
            attributes[index].values.append(name.value)
        }
    }
}
