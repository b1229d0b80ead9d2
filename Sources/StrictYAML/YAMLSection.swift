/// The keys of one kind of section. The enumeration is the only list of them: a section accepts its cases and nothing
/// else.
public protocol YAMLKey: RawRepresentable<String>, CaseIterable, Hashable, Sendable {}

/// A mapping in the file. Opening one reports the keys that it should not have.
public struct YAMLSection<Key: YAMLKey> {
    /// The section as a value.
    public let value: YAMLValue
    private var values: [Key: YAMLValue] = [:]
    /// Whether a key was reported as unknown: what seems to be missing may be there under a wrong name.
    public private(set) var hasUnknownKeys = false

    /// Nil, and reported, if the value is no mapping.
    public init?(_ value: YAMLValue, as _: Key.Type = Key.self) {
        guard
            let pairs = value.pairs(
                expected: "a mapping with keys of: \(Self.names)", keys: "a key must be a text; allowed: \(Self.names)")
        else { return nil }
        self.value = value
        for pair in pairs {
            guard let key = Key(rawValue: pair.name) else {
                Self.reportUnknown(pair)
                hasUnknownKeys = true
                continue
            }
            values[key] = pair.value
        }
    }

    /// The value of an optional key.
    public subscript(key: Key) -> YAMLValue? { values[key] }

    /// The value of a required key; nil, and reported, if it is missing.
    public func required(_ key: Key) -> YAMLValue? {
        if let value = values[key] { return value }
        value.fail("the key \"\(key.rawValue)\" is missing here")
        return nil
    }

    /// What an optional key gives: `standard` if the section does not have it, nil if reading it reported a problem.
    public func read<Result>(
        _ key: Key, otherwise standard: Result, as reading: (YAMLValue) -> Result?
    ) -> Result? {
        guard let value = values[key] else { return standard }
        return reading(value)
    }

    /// Reports a problem with the section as a whole.
    public func fail(_ message: String) {
        value.fail(message)
    }

    /// The one key of several that the section has; nil, and reported, if it has none or more than one of them.
    public func exactlyOne(of keys: [Key]) -> (key: Key, value: YAMLValue)? {
        let given = keys.compactMap { key in values[key].map { (key: key, value: $0) } }
        if given.count == 1 { return given[0] }
        if given.isEmpty, hasUnknownKeys { return nil }
        let names = keys.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        fail("expected exactly one of the keys \(names), found \(given.isEmpty ? "none" : String(given.count))")
        return nil
    }

    private static var names: String {
        Key.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private static func reportUnknown(_ pair: YAMLPair) {
        let shown = YAMLPair.shown(pair.name)
        var message = "unknown key"
        if shown != pair.name {
            message += "; after a colon there must be a space"
        } else if let similar = SimilarName.find(for: pair.name, among: Key.allCases.map(\.rawValue)) {
            message += "; did you mean \"\(similar)\"?"
        }
        pair.key.fail("\(message) (allowed: \(names))")
    }
}
