import AddressBook

/// What a field (export, `Rule<Field>`) or an attribute (import, `Rule<SourceName>`) is made from: the first recipe
/// that gives a value.
struct Rule<Target: Hashable & Sendable>: Sendable {
    let target: Target
    let recipes: [Recipe]

    /// The attribute belongs to our class `interorgGeneralPage`; without our schema it is not written.
    var needsSchema: Bool { recipes.contains(where: \.needsSchema) }

    /// False if the values are just copied: then they are as different as they were.
    var changesValues: Bool { recipes.contains { !$0.steps.isEmpty || $0.contentSources.count > 1 } }

    func values(in sources: SourceValues, resolve: (String) -> Reference?) -> [Value] {
        for recipe in recipes {
            let values = recipe.values(in: sources, resolve: resolve)
            if !values.isEmpty { return values }
        }
        return []
    }
}

/// One way to make values: where they come from, what is done to them, and when. A class, because every entry passes
/// all of them, and copies would cost more than the work.
final class Recipe: Sendable {
    enum Source: Sendable {
        /// All values of these, one after the other.
        case values([SourceName])
        case constant(Value)
        case template(Template)
        /// What the DNs in an attribute name.
        case names(SourceName)
    }

    let source: Source
    /// Done one after the other.
    let steps: [Step]
    /// The recipe gives nothing for other entries; nil: for all.
    let condition: Filter?
    /// The mapping's author knows that import after export is not the identity here.
    let isOneWay: Bool
    let needsSchema: Bool
    /// What a recipe reads that does nothing but copy one source, as most do; nil for others.
    private let copiedKey: String?

    init(
        source: Source, steps: [Step] = [], condition: Filter? = nil, isOneWay: Bool = false, needsSchema: Bool = false
    ) {
        self.source = source
        self.steps = steps
        self.condition = condition
        self.isOneWay = isOneWay
        self.needsSchema = needsSchema
        copiedKey =
            if case .values(let names) = source, names.count == 1, steps.isEmpty, condition == nil { names[0].key } else
            { nil }
    }

    /// Where the values come from, without what just the condition looks at.
    var contentSources: [SourceName] {
        switch source {
        case .values(let names): names
        case .constant: []
        case .template(let template): template.names
        case .names(let name): [name]
        }
    }

    /// All that has to be read.
    var sources: [SourceName] { contentSources + (condition?.names ?? []) }

    func values(in sources: SourceValues, resolve: (String) -> Reference?) -> [Value] {
        if let copiedKey { return sources(copiedKey) }
        if let condition, !condition.matches(sources) { return [] }
        var values = sourceValues(in: sources, resolve: resolve)
        for step in steps where !values.isEmpty { values = step.apply(to: values) }
        return values.uniqued()
    }

    private func sourceValues(in sources: SourceValues, resolve: (String) -> Reference?) -> [Value] {
        switch source {
        case .values(let names): names.flatMap { sources($0.key) }.uniqued()
        case .constant(let value): [value]
        case .template(let template): template.value(in: sources).map { [$0] } ?? []
        case .names(let name):
            sources(name.key).compactMap { $0.text.flatMap(resolve).map { Value($0.label) } }.uniqued()
        }
    }
}

extension Sequence where Element: Hashable {
    /// The elements in order, each once.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
