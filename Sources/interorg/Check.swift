import ArgumentParser
import InterOrgServices

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the configuration, the directory and the inbox, or what the mapping makes of an entry.",
        discussion: """
            Nothing is written. Without --mapping: reads the configuration, connects to the directory and looks for \
            the bases, and looks at the inbox. With it: shows an entry before and after, the one named or the first that would be exported.

            Example: interorg check --config /etc/interorg/branch-a.yaml
                     interorg check --config /etc/interorg/branch-a.yaml --mapping uid=anna,ou=people,dc=example
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Show what the mapping makes of an entry.")
    var mapping = false

    @Argument(help: ArgumentHelp("With --mapping: the entry.", valueName: "DN"))
    var dn: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard dn == nil || mapping else { throw ValidationError("A DN goes with --mapping.") }
    }

    func run() async throws {
        try await reportingFailures {
            let configuration = try common.load()
            if mapping {
                let check = try await MappingCheck.run(configuration, dn: dn)
                if json { try printJSON(check) } else { print(MappingText.text(check), terminator: "") }
                if !check.unknownAttributes.isEmpty { throw ExitStatus.problemsLeft.code }
            } else {
                let check = try await ConfigurationCheck.run(configuration)
                if json { try printJSON(check) } else { print(text(check), terminator: "") }
            }
        }
    }

    private func text(_ check: ConfigurationCheck) -> String {
        var text = "the configuration is in order: \(check.configuration)\n"
        text += "the directory answers: \(check.directory)\n"
        for base in check.exports { text += "the export base is there: \(base)\n" }
        if let base = check.importBase { text += "the import base is there: \(base)\n" }
        text += "the mapping is in order: \(check.mapping)\n"
        if check.isSealed {
            text += "the keys are in order: \(check.keys.count) certificates\n"
        } else {
            text += "mail is neither signed nor encrypted (insecure: true)\n"
        }
        for warning in check.keyWarnings { text += "warning: \(warning)\n" }
        return text + "mail comes by \(check.inbox)\n"
    }
}

/// A mapping check for people.
enum MappingText {
    static func text(_ check: MappingCheck) -> String {
        var text = "\(check.dn)\n"
        if !check.isExported {
            text += "(not exported: it is outside the export bases, or their filter does not find it)\n"
        }
        text += "\nbefore, in this directory\n"
        text += table(check.attributes)
        if !check.attributesNotTravelling.isEmpty {
            text += paragraph("does not travel", check.attributesNotTravelling)
        }
        text += "\nin the address book: the \(check.kind) \"\(shown(check.name))\"\n"
        text += table(check.fields)
        if check.members > 0 { text += row("members", "\(check.members)") }
        if !check.fieldsNotImported.isEmpty { text += paragraph("is not imported", check.fieldsNotImported) }
        text += "\nafter, in a directory with the InterOrg schema\n" + written(check.withSchema)
        text += "\nafter, in a directory without it\n" + written(check.withoutSchema)
        if !check.unknownAttributes.isEmpty {
            text += "\nthe mapping (\(check.mapping)) names attributes that the server's schema does not have: "
            text += check.unknownAttributes.joined(separator: ", ") + "\n"
        }
        return text
    }

    private static func written(_ entry: MappingCheck.Written) -> String {
        var text = row("(named by)", shown(entry.rdn)) + paragraph("objectClass", entry.objectClasses)
        text += table(entry.attributes)
        return entry.fieldsMissing.isEmpty ? text : text + paragraph("has no place for", entry.fieldsMissing)
    }

    private static func table(_ rows: [MappingCheck.Values]) -> String {
        rows.map { values in
            values.values.enumerated().map { row($0.offset == 0 ? values.name : "", shown($0.element)) }.joined()
        }.joined()
    }

    private static func paragraph(_ name: String, _ words: [String]) -> String {
        row(name, words.joined(separator: ", "))
    }

    private static let nameWidth = 26

    private static func row(_ name: String, _ value: String) -> String {
        "  " + name + String(repeating: " ", count: max(2, nameWidth - name.count)) + value + "\n"
    }

    /// The longest value that is shown whole, in characters.
    private static let valueMax = 200

    /// A value on one line; nothing in it may move a terminal's cursor.
    private static func shown(_ value: String) -> String {
        let text = TerminalText.line(value)
        return text.count <= valueMax ? text : "\(text.prefix(valueMax))… (\(value.utf8.count) bytes)"
    }
}
