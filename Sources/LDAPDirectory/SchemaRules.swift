import AddressBook
import DirectoryMapping
import LDAPClient

/// What the server's schema says of the entries that are to be written, so that what it would refuse is known, in words,
/// before anything is written.
///
/// A length that a syntax states is not checked: it is the least that a server has to take, not the most that it may (RFC
/// 4512, section 4.1.2), and slapd takes more. Where a server does refuse a value, ``excess(in:)`` says so.
struct SchemaRules: Sendable {
    private struct Classes {
        var unknown: [String]
        var required: Set<String>
        var allowed: LDAPAllowedAttributes
        /// The types of the attributes that the mapping writes and these classes allow, by their names as it spells them.
        var types: [String: LDAPAttributeType]
    }

    private let schema: LDAPSchema
    private let classes: [Entry.Kind: Classes]

    init(_ schema: LDAPSchema, mapping: Mapping, destination: DestinationSchema) {
        self.schema = schema
        var classes: [Entry.Kind: Classes] = [:]
        for kind in Entry.Kind.known {
            let names = mapping.objectClasses(of: kind, schema: destination)
            let allowed = schema.allowed(by: names)
            var types: [String: LDAPAttributeType] = [:]
            for name in mapping.managedAttributes(for: kind, schema: destination) + Stamp.attributes {
                types[name] = schema.attributeType(name).flatMap { allowed.contains($0) ? $0 : nil }
            }
            classes[kind] = Classes(
                unknown: names.filter { schema.objectClass($0) == nil },
                required: schema.required(by: names).subtracting(["objectclass"]), allowed: allowed, types: types)
        }
        self.classes = classes
    }

    /// - Parameter current: what is there already; others may have given it what is required.
    func check(_ desired: DesiredEntry, of kind: Entry.Kind, over current: DirectoryEntry?) throws {
        guard let classes = classes[kind] else { return }
        if let unknown = classes.unknown.first {
            throw UnfitEntry(reason: "the server's schema has no object class \(unknown)")
        }
        var given: [String] = []
        for attribute in desired.attributes where !attribute.values.isEmpty {
            let key = try check(attribute, classes)
            if classes.required.contains(key) { given.append(key) }
        }
        guard current == nil, let name = classes.required.filter({ !given.contains($0) }).min() else { return }
        throw UnfitEntry(reason: "the server requires \(name), and the mapping gives it no value")
    }

    /// The type of an attribute that these classes allow.
    private func type(of name: String, in classes: Classes) throws -> LDAPAttributeType {
        if let type = classes.types[name] { return type }
        guard let type = schema.attributeType(name) else {
            throw UnfitEntry(reason: "the server's schema has no attribute \(name)")
        }
        guard classes.allowed.contains(type) else {
            throw UnfitEntry(reason: "none of the entry's object classes allows the attribute \(name)")
        }
        return type
    }

    /// - Returns: the key of its type.
    private func check(_ attribute: DirectoryAttribute, _ classes: Classes) throws -> String {
        let name = attribute.name
        let type = try type(of: name, in: classes)
        if type.isSingleValued, attribute.values.count > 1 {
            throw UnfitEntry(reason: "\(name) has \(attribute.values.count) values, and the server takes one")
        }
        for value in attribute.values {
            guard let fault = type.fault(in: value.bytes) else { continue }
            throw UnfitEntry(reason: "\(name) \"\(value.excerpt)\": \(fault)")
        }
        return type.key
    }

    /// Whether single values can be deleted: a server finds them by the equality rule.
    func hasEqualityRule(_ attribute: String) -> Bool {
        guard let type = schema.attributeType(attribute) else { return true }
        return type.equality != nil
    }

    /// The values that are longer than their attributes' stated lengths, in words; nil if none is.
    func excess(in write: LDAPWrite) -> String? {
        let attributes: [(name: String, values: [[UInt8]])] =
            switch write {
            case .add(_, let attributes): attributes.map { ($0.name, $0.values) }
            case .modify(_, let modifications): modifications.map { ($0.attribute, $0.values) }
            case .rename, .delete: []
            }
        let found = attributes.flatMap { name, values in
            values.compactMap { value -> String? in
                guard let most = schema.attributeType(name)?.lengthMax else { return nil }
                let length = String(decoding: value, as: UTF8.self).unicodeScalars.count
                return length > most ? "\(name) has \(length) characters, and the server states \(most)" : nil
            }
        }
        return found.isEmpty ? nil : found.joined(separator: "; ")
    }
}

extension Value {
    /// Enough of it to know which one it is.
    fileprivate var excerpt: String {
        let text = description
        return text.count > 60 ? text.prefix(60) + "…" : text
    }
}
