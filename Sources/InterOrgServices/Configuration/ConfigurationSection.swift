import Yams

/// A mapping in the file. Opening one reports the keys that it should not have.
struct ConfigurationSection<Key: ConfigurationKey> {
    private let value: ConfigurationValue
    private var values: [Key: ConfigurationValue] = [:]

    /// Nil, and reported, if the value is no mapping.
    init?(_ value: ConfigurationValue, as _: Key.Type = Key.self) {
        guard case .mapping(let mapping) = value.node else {
            value.failKind(expected: "a mapping with keys of: \(Self.names)")
            return nil
        }
        self.value = value
        var repeated: [(name: String, mark: Mark?)] = []
        for (keyNode, valueNode) in mapping {
            guard case .scalar(let scalar) = keyNode else {
                report("a key must be a text; allowed: \(Self.names)", at: keyNode)
                continue
            }
            if let name = value.context.repeatedKeys[scalar.string] {
                repeated.append((name, keyNode.mark))
                continue
            }
            reportRepetitions(of: scalar.string, in: repeated, at: keyNode)
            guard let key = Key(rawValue: scalar.string) else {
                reportUnknown(scalar.string, at: keyNode)
                continue
            }
            values[key] = ConfigurationValue(
                node: valueNode, keyPath: path(to: key.rawValue), context: value.context
            )
        }
    }

    /// The value of an optional key.
    subscript(key: Key) -> ConfigurationValue? { values[key] }

    /// The value of a required key; nil, and reported, if it is missing.
    func required(_ key: Key) -> ConfigurationValue? {
        if let value = values[key] { return value }
        value.fail("the key \"\(key.rawValue)\" is missing here")
        return nil
    }

    /// What an optional key gives: `standard` if the section does not have it, nil if reading it reported a problem.
    func read<Result>(
        _ key: Key, otherwise standard: Result, as reading: (ConfigurationValue) -> Result?
    ) -> Result? {
        guard let value = values[key] else { return standard }
        return reading(value)
    }

    /// Reports a problem with the section as a whole.
    func fail(_ message: String) {
        value.fail(message)
    }

    /// The one key of several that the section has; nil, and reported, if it has none or more than one of them.
    func exactlyOne(of keys: [Key]) -> (key: Key, value: ConfigurationValue)? {
        let given = keys.compactMap { key in values[key].map { (key: key, value: $0) } }
        if given.count == 1 { return given[0] }
        let names = keys.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        fail("expected exactly one of the keys \(names), found \(given.isEmpty ? "none" : String(given.count))")
        return nil
    }

    private static var names: String {
        Key.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private func path(to name: String) -> String {
        value.keyPath.isEmpty ? name : "\(value.keyPath).\(name)"
    }

    private func report(_ message: String, at keyNode: Node, name: String? = nil) {
        let keyPath = name.map { path(to: $0) } ?? value.keyPath
        value.context.problems.add(message, at: keyNode.mark, keyPath: keyPath)
    }

    private func reportRepetitions(of name: String, in earlier: [(name: String, mark: Mark?)], at keyNode: Node) {
        guard let first = earlier.first(where: { $0.name == name }) else { return }
        let line = first.mark.map { " in line \($0.line)" } ?? ""
        let message = "the key is given more than once, first\(line); keep one of them"
        report(message, at: keyNode, name: Self.shown(name))
    }

    private func reportUnknown(_ name: String, at keyNode: Node) {
        let shown = Self.shown(name)
        if let advice = Key.comingLater[shown] {
            return report("this key comes with a later version: \(advice)", at: keyNode, name: shown)
        }
        var message = "unknown key"
        if shown != name {
            message += "; after a colon there must be a space"
        } else if let similar = SimilarName.find(for: name, among: Key.allCases.map(\.rawValue)) {
            message += "; did you mean \"\(similar)\"?"
        }
        report("\(message) (allowed: \(Self.names))", at: keyNode, name: shown)
    }

    /// A key without what follows a colon in it. `{ password:abc }` has one key, and part of it is a secret.
    private static func shown(_ name: String) -> String {
        String(name.prefix { $0 != ":" && $0 != "=" })
    }
}
