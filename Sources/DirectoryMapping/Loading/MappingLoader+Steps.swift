import AddressBook
import StrictYAML

extension MappingLoader {
    func steps(_ value: YAMLValue, _ direction: Direction) -> [Step]? {
        guard let elements = value.list() else { return nil }
        let steps = elements.map { step($0, direction) }
        return steps.contains { $0 == nil } ? nil : steps.compactMap(\.self)
    }

    private func step(_ value: YAMLValue, _ direction: Direction) -> Step? {
        if value.kind == .text { return plainStep(value, direction) }
        guard let section = YAMLSection(value, as: StepKey.self),
            let given = section.exactlyOne(of: StepKey.allCases)
        else { return nil }
        switch given.key {
        case .split: return separator(given.value).map { .split(separator: $0) }
        case .join: return given.value.anyText().map { .join(separator: $0) }
        case .letters: return given.value.choice(Step.Letters.self).map { .letters($0) }
        case .replace: return replacement(given.value).map { .replace($0) }
        case .lookup: return lookupTable(given.value).map { .lookup($0) }
        case .phone: return telephoneForm(given.value).map { .phone($0) }
        }
    }

    private func plainStep(_ value: YAMLValue, _ direction: Direction) -> Step? {
        guard let text = value.text() else { return nil }
        if let key = StepKey(rawValue: text) {
            return value.refuse("the step \"\(key.rawValue)\" takes something; write it as { \(key.rawValue): ... }")
        }
        guard let step = PlainStep(rawValue: text) else {
            let names = PlainStep.allCases.map(\.rawValue) + StepKey.allCases.map(\.rawValue)
            let hint = SimilarName.find(for: text, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
            return value.refuse("\"\(text)\" is not a step\(hint) (steps: \(names.joined(separator: ", ")))")
        }
        switch step {
        case .first: return .first
        case .lines: return direction == .export ? .linesFromPostalAddress : .postalAddressFromLines
        }
    }

    private func separator(_ value: YAMLValue) -> String? {
        guard let text = value.anyText() else { return nil }
        return text.isEmpty ? value.refuse("the separator is empty; give what stands between the parts") : text
    }

    private func replacement(_ value: YAMLValue) -> Replacement? {
        guard let section = YAMLSection(value, as: ReplaceKey.self) else { return nil }
        let pattern = section.required(.pattern)
        let with = section.required(.with)
        guard let pattern, let with, let patternText = pattern.anyText(), let withText = with.anyText() else {
            return nil
        }
        do throws(Replacement.Failure) {
            return try Replacement(pattern: patternText, with: withText)
        } catch {
            switch error {
            case .pattern(let reason): return pattern.refuse(reason)
            case .replacement(let reason): return with.refuse(reason)
            }
        }
    }

    private func lookupTable(_ value: YAMLValue) -> LookupTable? {
        guard let section = YAMLSection(value, as: LookupKey.self), let table = section.required(.table) else {
            return nil
        }
        let pairs = table.pairs(expected: "a mapping (value: new value)", keys: "a key must be a text")
        let otherwise = section.read(.otherwise, otherwise: .keep, as: self.otherwise)
        guard let pairs, let otherwise else { return nil }
        guard !pairs.isEmpty else { return table.refuse("the table is empty") }
        var lookup = LookupTable(otherwise: otherwise)
        var isComplete = true
        for pair in pairs {
            guard let text = constant(pair.value) else {
                isComplete = false
                continue
            }
            if !lookup.add(pair.name, text) {
                pair.key.fail("\"\(pair.name)\" is in the table already: letter case and spaces do not count")
                isComplete = false
            }
        }
        return isComplete ? lookup : nil
    }

    private func otherwise(_ value: YAMLValue) -> LookupTable.Otherwise? {
        if value.isText("keep") { return .keep }
        if value.isText("drop") { return .drop }
        guard value.kind == .mapping else {
            return value.refuse("expected keep, drop or { constant: ... }")
        }
        return YAMLSection(value, as: OtherwiseKey.self)?.required(.constant).flatMap(constant)
            .map { .constant(Value($0)) }
    }

    private func telephoneForm(_ value: YAMLValue) -> TelephoneForm? {
        guard let section = YAMLSection(value, as: PhoneKey.self) else { return nil }
        let country = section.required(.country).flatMap { digits($0, max: 3) }
        let trunk: String?? = section.read(.trunk, otherwise: "0") { value in
            value.isText("none") ? .some(nil) : digits(value, max: 3).map { .some($0) }
        }
        let international = section.read(.international, otherwise: "00") { digits($0, max: 5) }
        guard let country, let trunk, let international else { return nil }
        return TelephoneForm(country: country, trunkPrefix: trunk, internationalPrefix: international)
    }

    private func digits(_ value: YAMLValue, max: Int) -> String? {
        let expected = "1 to \(max) digits, without +"
        guard let text = value.plainText(expected: expected) else { return nil }
        guard (1...max).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return value.refuse("expected \(expected), found \"\(text)\"")
        }
        return text
    }
}
