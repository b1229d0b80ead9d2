import AddressBook

/// Where imported entries stand below the import base: a template of their DN there, such as
/// `uid={alias},ou=people,ou={organization}`. It is written like a DN (RFC 4514), the entry's own name first:
///
/// - The entry's name is a type and a text with fields in braces, or `{name}` alone: the name that it has at home, as
///   `uid` where that is one of its aliases, else as `cn`. An entry that lacks a field of the text gets that one, and so
///   do groups and containers.
/// - `{containers}` alone stands for the containers that hold the entry at home; without it, entries lie flat.
/// - The rest are names of containers that are made where they are missing; in them, `{organization}` is the label of
///   the entry's organization.
public struct PlacementTemplate: Sendable {
    /// A relative name of one type and value.
    public struct Name: Hashable, Sendable {
        public var attribute: String
        public var value: Value

        public init(attribute: String, value: Value) {
            self.attribute = attribute
            self.value = value
        }

        /// The structural class of a container with that name.
        public var containerClass: String {
            PlacementTemplate.containerClasses[attribute.lowercased()] ?? "organizationalUnit"
        }
    }

    /// A relative name with its value still to be made.
    private struct Part: Sendable {
        var attribute: String
        var value: Template
    }

    /// As it is written.
    public let text: String
    /// Whether the containers of the source are made here as well.
    public let mirrorsContainers: Bool
    private let naming: Part?
    private let containers: [Part]

    /// Containers as at home, one subtree for each organization.
    public static let mirroring = PlacementTemplate(
        text: "{name},{containers},ou={organization}", mirrorsContainers: true, naming: nil,
        containers: [Part(attribute: "ou", value: Template(single: .organization))])

    private init(text: String, mirrorsContainers: Bool, naming: Part?, containers: [Part]) {
        self.text = text
        self.mirrorsContainers = mirrorsContainers
        self.naming = naming
        self.containers = containers
    }

    /// Why a text is no placement, as a sentence about it.
    public struct Failure: Error {
        public let reason: String
    }

    public init(_ text: String) throws(Failure) {
        let parts = try Self.split(text)
        var containers = parts.dropFirst()
        mirrorsContainers = containers.first == "{containers}"
        if mirrorsContainers { containers = containers.dropFirst() }
        naming = parts[0] == "{name}" ? nil : try Self.part(parts[0], allowed: Self.entryNames)
        if let naming, naming.value.names.isEmpty {
            throw Failure(reason: "\"\(parts[0])\" is the same for all entries; let it have a field, such as {alias}")
        }
        self.containers = try containers.map { part throws(Failure) in try Self.container(part) }
        self.text = text
    }

    /// The attribute that names entries; nil if they are named as at home.
    public var namingAttribute: String? { naming?.attribute }

    /// The containers below the import base that an organization's entries lie in, the innermost first.
    public func containers(of organizationName: String) -> [Name] {
        containers.compactMap { part in
            part.value.value { _ in [Value(organizationName)] }.map { Name(attribute: part.attribute, value: $0) }
        }
    }

    /// The relative name that the template gives an entry; nil if it has the one of its home.
    func name(of entry: Entry) -> Name? {
        guard let naming, entry.kind != .group, entry.kind != .container else { return nil }
        let sources: SourceValues = { key in
            key == SourceName.entryName.key ? [entry.name] : entry[Field(rawValue: key)]
        }
        guard let value = naming.value.value(in: sources), !value.bytes.isEmpty else { return nil }
        return Name(attribute: naming.attribute, value: value)
    }

    /// By the attribute that names it (RFC 4519, section 3; RFC 4524, section 3.4).
    private static let containerClasses = [
        "ou": "organizationalUnit", "o": "organization", "l": "locality", "dc": "domain",
    ]

    private static func container(_ text: String) throws(Failure) -> Part {
        let part = try part(text, allowed: [.organization])
        guard containerClasses[part.attribute.lowercased()] != nil else {
            throw Failure(
                reason: "\"\(text)\": a container is named by \(containerClasses.keys.sorted().joined(separator: ", "))"
            )
        }
        return part
    }

    private static let entryNames = Field.generalPage.map(SourceName.field) + [.entryName]
}

extension PlacementTemplate: Equatable {
    public static func == (left: PlacementTemplate, right: PlacementTemplate) -> Bool { left.text == right.text }
}

extension PlacementTemplate {
    /// The relative names, parted at commas that no backslash escapes.
    private static func split(_ text: String) throws(Failure) -> [String] {
        var parts: [String] = [""]
        var isEscaped = false
        for character in text {
            if character == "+", !isEscaped {
                throw Failure(reason: "a name has one type and value; write \"\\+\" for a plus sign as such")
            } else if character == ",", !isEscaped {
                parts.append("")
            } else if character != "\\" || isEscaped {
                parts[parts.count - 1].append(character)
            }
            isEscaped = character == "\\" && !isEscaped
        }
        let trimmed = parts.map { String($0.drop { $0 == " " }) }
        guard !isEscaped, trimmed.allSatisfy({ !$0.isEmpty }) else {
            throw Failure(reason: "it is written like a DN, such as \"uid={alias},ou={organization}\"")
        }
        return trimmed
    }

    private static func part(_ text: String, allowed: [SourceName]) throws(Failure) -> Part {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw Failure(
                reason: "\"\(text)\" is not a type and a value like \"uid={alias}\"; {name} stands first, {containers} "
                    + "right after the entry's name")
        }
        let attribute = String(text[..<equals])
        guard attribute.utf8.allSatisfy({ $0.isLetterDigitOrHyphen }) else {
            throw Failure(reason: "\"\(attribute)\" is not an attribute type; an entry's name has one type and value")
        }
        let value = String(text[text.index(after: equals)...])
        guard !value.isEmpty else { throw Failure(reason: "\"\(text)\" has no value") }
        do throws(Template.Failure) {
            let template = try Template(value, isConstantAllowed: true) { name throws(Template.Failure) in
                guard let known = allowed.first(where: { $0.key == name }) else {
                    throw Template.Failure(
                        reason: "{\(name)} cannot stand there (what can: "
                            + allowed.map { "{\($0.text)}" }.joined(separator: ", ") + ")")
                }
                return known
            }
            return Part(attribute: attribute, value: template)
        } catch {
            throw Failure(reason: error.reason)
        }
    }
}

extension SourceName {
    /// The name that an entry has at home.
    fileprivate static let entryName = SourceName(text: "name", key: "name")
    fileprivate static let organization = SourceName(text: "organization", key: "organization")
}

extension UInt8 {
    fileprivate var isLetterDigitOrHyphen: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
