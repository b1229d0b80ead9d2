import AddressBook
import DirectoryMapping
import StrictYAML
import Testing

extension Mapping {
    /// A mapping with these lines under `export`, and these under `import`.
    static func with(export: String = "", import imported: String = "") throws -> Mapping {
        try Mapping(text(export: export, import: imported), file: "mine.yaml")
    }

    static func text(export: String = "", import imported: String = "") -> String {
        func section(_ name: String, _ lines: String) -> String {
            lines.isEmpty ? "" : "\(name):\n" + lines.split(separator: "\n").map { "  \($0)\n" }.joined()
        }
        return section("export", export) + section("import", imported)
    }

    /// The values that a rule for `title` reads from an entry with these attributes.
    static func title(_ rule: String, of attributes: [String: [Value]]) throws -> [Value] {
        try with(export: "title: \(rule)").exported(.person(attributes))?[.title] ?? []
    }

    /// The values that a rule for the attribute `title` writes of an entry with these fields.
    static func writtenTitle(_ rule: String, of fields: [Field: [Value]]) throws -> [Value] {
        let entry = Entry(id: Home.id(1), kind: .person, name: "anna", fields: fields)
        return try with(import: "title: \(rule)").desired(entry, schema: .ours)["title"]
    }
}

/// What is said about a mapping, each problem without the file's name; empty if it is right.
func problems(of text: String) -> [String] {
    do throws(YAMLError) {
        _ = try Mapping(text, file: "mine.yaml")
        return []
    } catch {
        #expect(error.problems.allSatisfy { $0.description.hasPrefix("mine.yaml:") })
        return error.problems.map { String($0.description.dropFirst("mine.yaml:".count)) }
    }
}
