import StrictYAML

enum MappingKey: String, YAMLKey {
    case basedOn, export
    case `import`
}

/// The keys of a rule. What only one direction knows is refused in the other.
enum RecipeKey: String, YAMLKey {
    case from, constant, template, nameOf
    case then, when, oneWay, needsSchema
}

/// The steps that take something.
enum StepKey: String, YAMLKey {
    case split, join
    case letters = "case"
    case replace, lookup, phone
}

/// The steps that are just named.
enum PlainStep: String, CaseIterable {
    case first, lines
}

enum ReplaceKey: String, YAMLKey {
    case pattern, with
}

enum LookupKey: String, YAMLKey {
    case table, otherwise
}

enum OtherwiseKey: String, YAMLKey {
    case constant
}

enum PhoneKey: String, YAMLKey {
    case country, trunk, international
}
