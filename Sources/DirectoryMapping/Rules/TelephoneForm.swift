/// Makes telephone numbers of one country international (ITU-T E.123): `044 668 18 00` becomes `+41 44 668 18 00`.
struct TelephoneForm: Sendable {
    /// The country code, digits only.
    let country: String
    /// What is dialled before a number of the same country and left out from abroad; nil: nothing is.
    let trunkPrefix: String?
    /// What is dialled before the country code.
    let internationalPrefix: String

    /// A number with fewer digits is an extension, or one for help.
    private static let digitsMin = 6
    private static let separators: Set<Character> = [" ", "-", ".", "/"]

    /// The international form. A number that has it already, and what is not surely a number, stay as they are.
    func international(_ text: String) -> String {
        guard !text.hasPrefix("+"), text.allSatisfy(Self.isPartOfNumber) else { return text }
        let bare = text.filter { $0 != "(" && $0 != ")" }.drop { Self.separators.contains($0) }
        if bare.hasPrefix(internationalPrefix) {
            return number(after: internationalPrefix, in: bare).map { "+\($0)" } ?? text
        }
        guard bare.hasPrefix(trunkPrefix ?? "") else { return text }
        return number(after: trunkPrefix ?? "", in: bare).map { "+\(country) \($0)" } ?? text
    }

    private func number(after prefix: String, in text: Substring) -> String? {
        let number = text.dropFirst(prefix.count).drop { Self.separators.contains($0) }
        guard number.count(where: \.isNumber) >= Self.digitsMin else { return nil }
        return String(number)
    }

    private static func isPartOfNumber(_ character: Character) -> Bool {
        character.isASCII && (character.isNumber || separators.contains(character) || "()".contains(character))
    }
}
