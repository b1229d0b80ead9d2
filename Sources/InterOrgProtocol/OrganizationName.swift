/// What an organization may be called: the name stands in DNs, in mail and on people's screens, everywhere in the exchange.
public enum OrganizationName {
    private static let scalarsMax = 64

    /// Why a text in normalization form C is no name for an organization, as a sentence without its beginning; nil if it is
    /// one: 1 to 64 Unicode scalars without control characters, line breaks, `/` and `\`, no space at its ends and no `.`
    /// at its start.
    public static func objection(to name: String) -> String? {
        let count = name.unicodeScalars.count
        guard (1...scalarsMax).contains(count) else {
            return "the name has \(count) characters; allowed are 1 to \(scalarsMax)"
        }
        let allowed = name.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: scalar != "/" && scalar != "\\"
            }
        }
        guard allowed else {
            return "\"\(name)\" is no name for an organization: \"/\", \"\\\" and line breaks are not allowed"
        }
        guard name.first?.isWhitespace == false, name.last?.isWhitespace == false, name.first != "." else {
            return "\"\(name)\" is no name for an organization: no space at its ends, no \".\" at its start"
        }
        return nil
    }
}
