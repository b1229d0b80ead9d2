import AddressBook
import StrictYAML

/// How a directory's attributes become canonical fields, and back. A mapping is data, written in YAML;
/// `Mapping+Export.swift` and `Mapping+Import.swift` carry it out in the two directions.
public struct Mapping: Sendable {
    /// What it is called: a built-in profile's name, or the file's.
    public let name: String
    /// SHA-256 of its text, in hexadecimal: another one may read or write entries otherwise.
    public let digest: String
    /// The attributes that reading with this mapping needs.
    public let exportAttributes: [String]

    let exportRules: [Rule<Field>]
    let importRules: [Rule<SourceName>]
    /// How the fields of an imported entry are read back.
    let undoing: [Undoing]
    /// The attributes whose DNs an entry's content depends on, in lower case.
    let referenceAttributes: [String]

    /// Reads and checks a mapping, and compiles all that is in it.
    ///
    /// - Parameters:
    ///   - text: YAML, as docs/mapping.md describes it.
    ///   - file: what problems call it.
    /// - Throws: everything that is wrong, with lines.
    public init(_ text: String, file: String) throws(YAMLError) {
        let rules = try MappingLoader.load(text, file: file)
        self.init(name: file, rules)
    }

    init(name: String, _ rules: MappingRules) {
        self.name = name
        digest = rules.digest
        exportRules = rules.exportRules.map(\.rule)
        importRules = rules.importRules.map(\.rule)
        let undoing = importRules.compactMap { Undoing($0) }
        self.undoing = undoing
        let recipes = exportRules.flatMap(\.recipes)
        referenceAttributes = recipes.compactMap { if case .names(let name) = $0.source { name.key } else { nil } }
        let connectors = (["objectClass", "entryUUID", "cn", "member"] + Stamp.attributes).map(SourceName.attribute)
        let read = connectors + recipes.flatMap(\.sources) + undoing.map { .attribute($0.attribute) }
        exportAttributes = read.uniqued().map(\.text)
    }

    /// The fields that import rules use.
    public var importedFields: [Field] {
        importRules.flatMap(\.recipes).flatMap(\.contentSources).map { Field(rawValue: $0.key) }.uniqued()
    }

    /// The fields that an entry has after import just as it had them before. Without our schema those that need it are
    /// not among them.
    public func carriedFields(schema: DestinationSchema) -> Set<Field> {
        Set(undoing.filter { schema.hasGeneralPage || !$0.needsSchema }.map(\.field))
    }
}

extension Mapping: Equatable {
    /// Whether they do the same; the name does not matter.
    public static func == (left: Mapping, right: Mapping) -> Bool { left.digest == right.digest }
}

/// The inverse of an import rule.
struct Undoing: Sendable {
    let field: Field
    let attribute: String
    /// The attribute's name in lower case.
    let key: String
    let isPostalAddress: Bool
    let needsSchema: Bool

    /// Nil if the rule cannot be undone: just copying can, and lines of a postal address. `cn` has an entry's name too.
    init?(_ rule: Rule<SourceName>) {
        guard rule.target.key != "cn", rule.recipes.count == 1, let recipe = rule.recipes.first,
            recipe.condition == nil,
            case .values(let names) = recipe.source, names.count == 1
        else { return nil }
        switch (recipe.steps.first, recipe.steps.count) {
        case (nil, _): isPostalAddress = false
        case (.postalAddressFromLines?, 1): isPostalAddress = true
        default: return nil
        }
        field = Field(rawValue: names[0].key)
        attribute = rule.target.text
        key = rule.target.key
        needsSchema = rule.needsSchema
    }

    /// Whether a recipe of the other direction does just this.
    func isDone(by recipe: Recipe) -> Bool {
        guard recipe.condition == nil, case .values(let names) = recipe.source, names.map(\.key) == [key] else {
            return false
        }
        switch (recipe.steps.first, recipe.steps.count) {
        case (nil, _): return !isPostalAddress
        case (.linesFromPostalAddress?, 1): return isPostalAddress
        default: return false
        }
    }

    func values(in raw: DirectoryEntry) -> [Value] {
        let values = raw.values(lowercased: key)
        return isPostalAddress ? values.map(PostalAddress.lines) : values
    }
}
