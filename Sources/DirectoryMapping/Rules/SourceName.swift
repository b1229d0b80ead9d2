import AddressBook

/// The name of an attribute of a directory's entry, or of a field of the canonical one where a rule reads it.
struct SourceName: Hashable, Sendable {
    /// As the mapping writes it.
    let text: String
    /// As it is looked up: attribute names are in lower case, since their case means nothing (RFC 4512, section 2.5).
    let key: String

    static func attribute(_ text: String) -> SourceName { SourceName(text: text, key: text.lowercased()) }
    static func field(_ field: Field) -> SourceName { SourceName(text: field.rawValue, key: field.rawValue) }

    static func == (left: SourceName, right: SourceName) -> Bool { left.key == right.key }
    func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

/// The values under a `SourceName`'s key.
typealias SourceValues = (String) -> [Value]
