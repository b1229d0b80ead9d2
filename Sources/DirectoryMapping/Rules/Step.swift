import AddressBook
import Foundation

/// What can be done to values. A value that is not UTF-8 text passes through those that work on text.
enum Step: Sendable {
    /// The first value alone.
    case first
    /// Each value's parts between the separators, without white space around them.
    case split(separator: String)
    /// All values as one.
    case join(separator: String)
    case letters(Letters)
    case replace(Replacement)
    case lookup(LookupTable)
    case phone(TelephoneForm)
    /// A Postal Address (RFC 4517, section 3.3.28) becomes lines.
    case linesFromPostalAddress
    case postalAddressFromLines

    enum Letters: String, CaseIterable, Sendable {
        case upper, lower, title
    }

    func apply(to values: [Value]) -> [Value] {
        switch self {
        case .first: [values[0]]
        case .split(let separator): values.flatMap { Self.parts(of: $0, separator: separator) }
        case .join(let separator): [Value(Array(values.map(\.bytes).joined(separator: Array(separator.utf8))))]
        case .letters(let letters): values.changingText { Self.text($0, in: letters) }
        case .replace(let replacement): values.changingText(replacement.apply)
        case .lookup(let table): values.compactMap(table.value(for:))
        case .phone(let form): values.changingText(form.international)
        case .linesFromPostalAddress: values.map(PostalAddress.lines)
        case .postalAddressFromLines: values.map(PostalAddress.encoded)
        }
    }

    private static func parts(of value: Value, separator: String) -> [Value] {
        guard let text = value.text else { return [value] }
        return text.components(separatedBy: separator).map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            .filter { !$0.isEmpty }.map { Value($0) }
    }

    private static func text(_ text: String, in letters: Letters) -> String {
        switch letters {
        case .upper: text.uppercased()
        case .lower: text.lowercased()
        case .title: titled(text)
        }
    }

    /// Every word with a capital, as in "Jean-Luc O'Neill": a word starts after anything but a letter, a digit or a
    /// mark on a letter.
    private static func titled(_ text: String) -> String {
        var result = ""
        var isInWord = false
        for character in text {
            result += isInWord ? character.lowercased() : character.uppercased()
            isInWord = character.isLetter || character.isNumber
        }
        return result
    }
}

extension [Value] {
    /// The values with their text changed; what is empty then is left out.
    fileprivate func changingText(_ change: (String) -> String) -> [Value] {
        compactMap { value in
            guard let text = value.text else { return value }
            let changed = change(text)
            return changed.isEmpty ? nil : Value(changed)
        }
    }
}
