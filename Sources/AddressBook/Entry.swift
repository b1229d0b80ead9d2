import Foundation

/// The two streams that changes travel in. Hierarchy goes first, so that a parent exists before its child (R12).
public enum ChangeStream: String, Codable, Hashable, Sendable, CaseIterable {
    /// Containers: the organizational units.
    case hierarchy
    /// The entries inside them.
    case contents
}

/// One address-book entry in the canonical form that travels: what the General page shows, and nothing else.
public struct Entry: Hashable, Sendable {
    /// What an entry is. One of a newer version is kept under its name and passed on: organizations never upgrade
    /// together.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public static let person = Kind(rawValue: "person")
        /// A custom recipient: somebody outside the organization.
        public static let contact = Kind(rawValue: "contact")
        /// A distribution list.
        public static let group = Kind(rawValue: "group")
        public static let container = Kind(rawValue: "container")

        /// Those that this version can write into a directory.
        public static let known: Set<Kind> = [.person, .contact, .group, .container]

        public var stream: ChangeStream { self == .container ? .hierarchy : .contents }
    }

    public var id: EntryID
    public var kind: Kind
    /// The entryUUID of the container that holds it, of the same organization; nil directly under the exported base.
    public var parent: UUID?
    /// The value of its RDN at home.
    public var name: Value
    /// The values of each field; a field without values is not there.
    public var fields: [Field: [Value]]
    /// A group's members.
    public var members: [EntryID]

    public init(
        id: EntryID, kind: Kind, parent: UUID? = nil, name: Value, fields: [Field: [Value]] = [:],
        members: [EntryID] = []
    ) {
        self.id = id
        self.kind = kind
        self.parent = parent
        self.name = name
        self.fields = fields.contains { $0.value.isEmpty } ? fields.filter { !$0.value.isEmpty } : fields
        self.members = members
    }

    public subscript(field: Field) -> [Value] { fields[field] ?? [] }

    /// How large the values are together, in bytes.
    public var valueBytes: Int {
        name.bytes.count + members.count * 32
            + fields.values.reduce(0) { sum, values in sum + values.reduce(0) { $0 + $1.bytes.count } }
    }

    /// What a person would call it: its display name, else its name.
    public var label: String { (self[.displayName].first ?? name).description }
}

/// A change always carries the whole state of an entry, never a patch.
public enum Change: Hashable, Sendable {
    case upsert(Entry)
    case delete(EntryID)

    public var id: EntryID {
        switch self {
        case .upsert(let entry): entry.id
        case .delete(let id): id
        }
    }

    /// The state that the change leaves; nil after a deletion.
    public var entry: Entry? {
        if case .upsert(let entry) = self { entry } else { nil }
    }
}
