import AddressBook
import StrictYAML

/// The rules of a mapping as they were loaded, each with its place in the file.
struct MappingRules {
    /// A rule, and where the file has it.
    struct Placed<Target: Hashable & Sendable> {
        let rule: Rule<Target>
        /// The places of its recipes; nil: it is not of this file, but of the profile that it is based on.
        let places: [YAMLValue]?
    }

    var exportRules: [Placed<Field>] = []
    var importRules: [Placed<SourceName>] = []
    /// SHA-256 of all text that the rules come from, in hexadecimal.
    var digest = ""
}
