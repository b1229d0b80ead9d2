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
    /// - Parameter resolve: what a DN names; nil if it names nothing that is exported.
    public func entry(
        from raw: DirectoryEntry, at home: HomePlacement, resolve: (String) -> Reference?
    ) -> Entry? {
        guard let uuid = raw.uuid, let kind = kind(of: raw) else { return nil }
        var fields: [Field: [Value]] = [:]
        if kind != .container {
            for rule in rules where kind != .group || rule.field == .displayName {
                fields[rule.field] = values(of: rule, in: raw, resolve: resolve)
            }
        }
        let members = kind == .group ? raw["member"].compactMap { $0.text.flatMap(resolve)?.id } : []
        return Entry(
            id: EntryID(organization: home.organization, uuid: uuid), kind: kind, parent: home.parent,
            name: home.name, fields: fields, members: members.uniqued())
    }

    /// The DNs whose meaning the entry depends on.
    public func references(in raw: DirectoryEntry) -> [String] {
        let attributes =
            rules.flatMap(\.sources).filter { $0.transform == .reference }.map(\.attribute)
            + (raw.isOf(objectClass: "groupOfNames") ? ["member"] : [])
        return attributes.flatMap { raw[$0] }.compactMap(\.text)
    }

    private func values(
        of rule: FieldRule, in raw: DirectoryEntry, resolve: (String) -> Reference?
    ) -> [Value]? {
        for source in rule.sources {
            let values = raw[source.attribute]
            guard !values.isEmpty else { continue }
            let mapped: [Value] =
                switch source.transform {
                case .copy: values
                case .postalAddress: values.map(Self.lines)
                case .reference: values.compactMap { $0.text.flatMap(resolve).map { Value($0.label) } }.uniqued()
                }
            guard !mapped.isEmpty else { continue }
            return rule.isSingleValued ? [mapped[0]] : mapped
        }
        return nil
    }

    /// `1 Main St$Springfield` as two lines; `\24` is a dollar sign and `\5C` a backslash inside a line.
    static func lines(_ value: Value) -> Value {
        var bytes: [UInt8] = []
        var rest = value.bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "$"): bytes.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "\\"):
                let escape = String(decoding: rest.prefix(2), as: UTF8.self).uppercased()
                guard let plain: UInt8 = ["24": UInt8(ascii: "$"), "5C": UInt8(ascii: "\\")][escape] else {
                    bytes.append(byte)
                    continue
                }
                bytes.append(plain)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return Value(bytes)
    }
}

extension Sequence where Element: Hashable {
    /// The elements in order, each once.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
