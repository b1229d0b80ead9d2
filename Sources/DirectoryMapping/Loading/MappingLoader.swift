import AddressBook
import Crypto
import Foundation
import StrictYAML

/// Makes rules of the text of a mapping. A method returns nil if it has reported a problem that leaves nothing to
/// return.
struct MappingLoader {
    let problems: YAMLProblems

    static func load(_ text: String, file: String) throws(YAMLError) -> MappingRules {
        let problems = YAMLProblems(file: file)
        let rules = YAMLValue.root(of: text, problems: problems).flatMap {
            MappingLoader(problems: problems).rules($0, text: text)
        }
        return try problems.result(rules)
    }

    private func rules(_ value: YAMLValue, text: String) -> MappingRules? {
        guard let section = YAMLSection(value, as: MappingKey.self) else { return nil }
        // Under a wrong name, the rest is checked as if it were the right one.
        let base = section[.basedOn].map { $0.choice(Profile.self) ?? .inetOrgPerson }
        guard section[.export] != nil || section[.import] != nil else {
            if !section.hasUnknownKeys { section.fail("there is no rule here; give \"export\", \"import\" or both") }
            return nil
        }
        guard let inherited = inherited(base) else { return nil }
        var rules = MappingRules()
        if let exportRules = merged(section[.export], inherited.exportRules, reading: exportRule) {
            rules.exportRules = exportRules
        }
        if let importRules = merged(section[.import], inherited.importRules, reading: importRule) {
            rules.importRules = importRules
        }
        rules.digest = digest(of: [base?.text ?? "", text])
        if problems.error == nil { checkIdentity(rules, in: section) }
        return rules
    }

    /// The rules of the profile that a mapping is based on, which have no place in its file.
    private func inherited(_ base: Profile?) -> MappingRules? {
        guard let base else { return MappingRules() }
        do {
            let rules = try base.rules()
            return MappingRules(
                exportRules: rules.exportRules.map { .init(rule: $0.rule, places: nil) },
                importRules: rules.importRules.map { .init(rule: $0.rule, places: nil) })
        } catch {
            problems.add(error)
            return nil
        }
    }

    /// Every part is preceded by its length, so that no two different texts give the same input. The number is that of
    /// the language: it changes when the same text means something else.
    private func digest(of texts: [String]) -> String {
        var hash = SHA256()
        hash.update(data: Data("interorg mapping 1\n".utf8))
        for text in texts { hash.update(data: Data("\(text.utf8.count)\n\(text)".utf8)) }
        return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: - The two sections

    /// The rules of a section laid over inherited ones: each takes the place of the one with the same target, and
    /// `null` takes one away.
    private func merged<Target>(
        _ value: YAMLValue?, _ inherited: [MappingRules.Placed<Target>],
        reading: (YAMLPair) -> NamedRule<Target>?
    ) -> [MappingRules.Placed<Target>]? {
        guard let value else { return inherited }
        let expected = "a mapping (key: value) with a rule in each line"
        guard let pairs = value.pairs(expected: expected, keys: "a key must be a text") else { return nil }
        var rules = inherited
        var places: [Target: YAMLValue] = [:]
        for pair in pairs {
            guard let (target, rule) = reading(pair) else { continue }
            if let first = places.updateValue(pair.key, forKey: target) {
                pair.key.fail("\(pair.name) is here twice (\(first.place)); keep one of them")
                continue
            }
            let index = rules.firstIndex { $0.rule.target == target }
            if pair.value.kind == .nothing {
                guard let index else {
                    pair.key.fail("there is no rule to leave out; give one, or take this line away")
                    continue
                }
                rules.remove(at: index)
            } else if let rule = rule() {
                if let index { rules[index] = rule } else { rules.append(rule) }
            }
        }
        return rules
    }

    /// What a line makes, and how to read the rest of the line.
    private typealias NamedRule<Target: Hashable & Sendable> = (
        target: Target, rule: () -> MappingRules.Placed<Target>?
    )

    private func exportRule(_ pair: YAMLPair) -> NamedRule<Field>? {
        guard let field = field(pair.name, at: pair.key) else { return nil }
        return (field, { self.rule(field, pair.value, .export) })
    }

    private func importRule(_ pair: YAMLPair) -> NamedRule<SourceName>? {
        guard let attribute = attribute(pair.name, at: pair.key) else { return nil }
        guard !Self.connectorsOwn.contains(attribute) else {
            return pair.key.refuse("\(attribute.text) is the connector's own to write; take this line away")
        }
        return (attribute, { self.rule(attribute, pair.value, .import) })
    }

    private static let connectorsOwn = Set((["objectClass", "member"] + Stamp.attributes).map(SourceName.attribute))

    private func rule<Target>(
        _ target: Target, _ value: YAMLValue, _ direction: Direction
    ) -> MappingRules.Placed<Target>? {
        let alternatives = value.kind == .list ? value.list() : [value]
        guard let alternatives else { return nil }
        guard !alternatives.isEmpty else {
            value.fail("the list is empty; give at least one source, or take the line away")
            return nil
        }
        let recipes = alternatives.map { recipe($0, direction) }
        guard !recipes.contains(where: { $0 == nil }) else { return nil }
        return MappingRules.Placed(
            rule: Rule(target: target, recipes: recipes.compactMap(\.self)), places: alternatives)
    }
}

/// Which way a rule works.
enum Direction {
    /// From attributes to fields.
    case export
    /// From fields to attributes.
    case `import`
}
