import AddressBook
import StrictYAML

extension MappingLoader {
    /// Import after export is the identity on every field that the mapping carries: what is written of a field can be
    /// read back by undoing one rule, and an entry at home is read in that same way first. Whatever is otherwise has to
    /// say so.
    func checkIdentity(_ rules: MappingRules, in section: YAMLSection<MappingKey>) {
        let carriers = Dictionary(
            grouping: rules.importRules.compactMap { placed in Undoing(placed.rule).map { ($0, placed.places?.first) }
            },
            by: \.0.field)
        for placed in rules.importRules {
            for (index, recipe) in placed.rule.recipes.enumerated() where !recipe.isOneWay {
                guard let lost = recipe.contentSources.first(where: { carriers[Field(rawValue: $0.key)] == nil }) else {
                    continue
                }
                let reason =
                    placed.rule.target.key == "cn"
                    ? "an entry's name stands there too"
                    : "only copying can be undone, with nothing but \"lines\" under \"then\""
                (placed.places?[index] ?? section.value).fail(
                    "\(lost.text) cannot be read back from \(placed.rule.target.text): \(reason); write \(lost.text) to "
                        + "an attribute of its own as well, or say \"oneWay: true\" in this rule")
            }
        }
        for placed in rules.exportRules {
            guard let carrier = carriers[placed.rule.target], let first = placed.rule.recipes.first, !first.isOneWay,
                !carrier.contains(where: { $0.0.isDone(by: first) })
            else { continue }
            let attribute = carrier[0].0.attribute
            (placed.places?.first ?? carrier.lazy.compactMap(\.1).first ?? section.value).fail(
                "\(placed.rule.target.rawValue) is written to \(attribute) but not read from there first, so import "
                    + "after export would not be the identity; read it from \(attribute) first, write it elsewhere, or "
                    + "say \"oneWay: true\" in the first rule for it under \"export\"")
        }
    }
}
