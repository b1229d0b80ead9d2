/// The schema that a server states (RFC 4512, section 4.2), for checking what is to be written.
///
/// A definition that cannot be read is left out. DIT content rules and name forms are not looked at.
public struct LDAPSchema: Sendable {
    /// All attribute types, in the server's order.
    public let attributeTypes: [LDAPAttributeType]
    /// All object classes, in the server's order.
    public let objectClasses: [LDAPObjectClass]

    private let typeNumbers: [String: Int]
    private let classNumbers: [String: Int]

    /// A schema from the definitions in a subschema, `( 2.5.4.20 NAME 'telephoneNumber' ... )`.
    public init(attributeTypes: [String], objectClasses: [String]) {
        let types = attributeTypes.compactMap(SchemaDefinition.init)
        let typeNumbers = Self.numbers(types)
        self.typeNumbers = typeNumbers
        self.attributeTypes = types.map { definition in
            var superiors: [SchemaDefinition] = []
            var next = definition["SUP"].first
            // A chain that is longer than the schema is a loop.
            while let name = next, let number = typeNumbers[name.asciiLowercased], superiors.count < types.count {
                superiors.append(types[number])
                next = types[number]["SUP"].first
            }
            return LDAPAttributeType(definition, superiors: superiors)
        }
        let classes = objectClasses.compactMap(SchemaDefinition.init)
        classNumbers = Self.numbers(classes)
        self.objectClasses = classes.map(LDAPObjectClass.init)
    }

    /// Each definition under its OID and its names, both in lower case and as written, so that most questions are
    /// answered without making a string. Where two claim a name, the first has it.
    private static func numbers(_ definitions: [SchemaDefinition]) -> [String: Int] {
        var numbers: [String: Int] = [:]
        numbers.reserveCapacity(definitions.count * 4)
        for (number, definition) in definitions.enumerated() {
            for name in definition["NAME"] + [definition.oid] {
                let lowercased = name.asciiLowercased
                if numbers[lowercased] == nil { numbers[lowercased] = number }
                if numbers[lowercased] == number { numbers[name] = number }
            }
        }
        return numbers
    }

    /// The type of an attribute description, by any of its names or its OID, in any case. Options do not count:
    /// `cn;lang-de` is `cn`.
    public func attributeType(_ description: String) -> LDAPAttributeType? {
        if let number = typeNumbers[description] { return attributeTypes[number] }
        let name = description.prefix { $0 != ";" }
        return typeNumbers[String(name).asciiLowercased].map { attributeTypes[$0] }
    }

    /// The class of that name or OID, in any case.
    public func objectClass(_ name: String) -> LDAPObjectClass? {
        (classNumbers[name] ?? classNumbers[name.asciiLowercased]).map { objectClasses[$0] }
    }

    /// What an attribute description is called wherever types are compared: the type's ``LDAPAttributeType/key``, so
    /// that `surname` and `sn` are one; for a type that the schema lacks its name in lower case.
    public func key(of description: String) -> String {
        attributeType(description)?.key ?? String(description.prefix { $0 != ";" }).asciiLowercased
    }
}

extension LDAPSchema {
    /// The keys of the attributes that an entry of these classes must have. Classes that the schema lacks require
    /// nothing.
    public func required(by classes: [String]) -> Set<String> {
        Set(withSuperiors(classes).flatMap(\.must).map(key(of:)))
    }

    /// The attributes that an entry of these classes may have, required ones included. Classes that the schema lacks
    /// allow nothing.
    public func allowed(by classes: [String]) -> LDAPAllowedAttributes {
        let all = withSuperiors(classes)
        // RFC 4512, section 4.3.
        if all.contains(where: { $0.oid == "1.3.6.1.4.1.1466.101.120.111" || $0.key == "extensibleobject" }) {
            return LDAPAllowedAttributes(keys: nil)
        }
        return LDAPAllowedAttributes(keys: Set(all.flatMap { $0.must + $0.may }.map(key(of:))))
    }

    /// The classes and all that they are derived from, each once.
    private func withSuperiors(_ names: [String]) -> [LDAPObjectClass] {
        var found: [LDAPObjectClass] = []
        var seen: Set<String> = []
        var rest = names
        while let name = rest.popLast() {
            guard let objectClass = objectClass(name), seen.insert(objectClass.key).inserted else { continue }
            found.append(objectClass)
            rest += objectClass.superiors
        }
        return found
    }
}

/// The attributes that an entry may have, by its classes.
public struct LDAPAllowedAttributes: Sendable, Hashable {
    /// The keys of the types; nil when the classes allow every attribute (`extensibleObject`).
    public let keys: Set<String>?

    /// Whether an attribute of this type may be there. Operational ones need no class that allows them.
    public func contains(_ type: LDAPAttributeType) -> Bool {
        keys?.contains(type.key) ?? true || type.usage != .userApplications
    }
}
