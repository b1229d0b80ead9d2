import AddressBook
import Foundation

/// How a directory's attributes become canonical fields, and back. A mapping is data; `Mapping+Export.swift` and
/// `Mapping+Import.swift` read it in the two directions.
public struct Mapping: Sendable {
    public var name: String
    public var rules: [FieldRule]

    public init(name: String, rules: [FieldRule]) throws(MappingError) {
        self.name = name
        self.rules = rules
        try check()
    }

    /// The attributes that reading with this mapping needs.
    public var exportAttributes: [String] {
        var names = ["objectClass", "entryUUID", "cn", "member"] + Stamp.attributes
        for attribute in rules.flatMap(\.sources).map(\.attribute)
        where !names.contains(where: { $0.lowercased() == attribute.lowercased() }) {
            names.append(attribute)
        }
        return names
    }

    public static func builtIn(named name: String) -> Mapping? {
        name == inetOrgPerson.name ? inetOrgPerson : nil
    }
}

/// One field: where it is read from and where it is written to.
public struct FieldRule: Sendable {
    public struct Source: Sendable {
        public enum Transform: Sendable {
            case copy
            /// Lines separated by `$` (Postal Address, RFC 4517, section 3.3.28) become one value with line feeds.
            case postalAddress
            /// A DN becomes the display name of the entry that it names.
            case reference
        }

        public var attribute: String
        public var transform: Transform

        public init(_ attribute: String, _ transform: Transform = .copy) {
            self.attribute = attribute
            self.transform = transform
        }
    }

    public var field: Field
    /// The first attribute with values is read.
    public var sources: [Source]
    /// The attribute that is written, always by copying.
    public var destination: String
    public var isSingleValued: Bool
    /// The attribute belongs to our `interorgGeneralPage` class; without our schema the field is not written.
    public var needsSchema: Bool

    public init(
        _ field: Field, from sources: [Source], to destination: String, isSingleValued: Bool = false,
        needsSchema: Bool = false
    ) {
        self.field = field
        self.sources = sources
        self.destination = destination
        self.isSingleValued = isSingleValued
        self.needsSchema = needsSchema
    }
}

/// What is wrong with a mapping.
public struct MappingError: Error, CustomStringConvertible, Equatable {
    public let description: String
}

extension Mapping {
    /// Refuses a field or a destination that is mapped twice, and a field that would not survive import and export.
    private func check() throws(MappingError) {
        var fields: Set<Field> = []
        var destinations: Set<String> = []
        for rule in rules {
            guard fields.insert(rule.field).inserted else {
                throw MappingError(description: "mapping \(name): the field \(rule.field.rawValue) is mapped twice")
            }
            guard destinations.insert(rule.destination.lowercased()).inserted else {
                throw MappingError(description: "mapping \(name): two fields are written to \(rule.destination)")
            }
            let readsBack =
                rule.sources.first.map { source in
                    source.attribute.lowercased() == rule.destination.lowercased() && source.transform == .copy
                } ?? false
            guard readsBack else {
                throw MappingError(
                    description: "mapping \(name): \(rule.field.rawValue) is written to \(rule.destination) "
                        + "but not read from there first, so import after export would not be the identity")
            }
        }
    }
}
