import Yams

/// A key of a mapping with its value.
public struct YAMLPair {
    /// The key as it stands in the file.
    public let name: String
    /// The key as a value, to report a problem with it.
    public let key: YAMLValue
    /// What the key has.
    public let value: YAMLValue

    /// A key without what follows a colon in it. `{ password:abc }` has one key, and part of it is a secret.
    static func shown(_ name: String) -> String {
        String(name.prefix { $0 != ":" && $0 != "=" })
    }
}

extension YAMLValue {
    /// The pairs of a mapping in the order of the file, each key once; a key that is given again is reported.
    ///
    /// - Parameters:
    ///   - expected: what the value should have been, should it be no mapping.
    ///   - keys: what to say of a key that is no text.
    public func pairs(expected: String, keys: String) -> [YAMLPair]? {
        guard case .mapping(let mapping) = node else {
            failKind(expected: expected)
            return nil
        }
        var pairs: [YAMLPair] = []
        var repeated: [(name: String, mark: Mark?)] = []
        for (keyNode, valueNode) in mapping {
            guard case .scalar(let scalar) = keyNode else {
                context.problems.add(keys, at: keyNode.mark, keyPath: keyPath)
                continue
            }
            if let name = context.repeatedKeys[scalar.string] {
                repeated.append((name, keyNode.mark))
                continue
            }
            let key = YAMLValue(node: keyNode, keyPath: path(to: YAMLPair.shown(scalar.string)), context: context)
            if let first = repeated.first(where: { $0.name == scalar.string }) {
                let line = first.mark.map { " in line \($0.line)" } ?? ""
                key.fail("the key is given more than once, first\(line); keep one of them")
            }
            let value = YAMLValue(node: valueNode, keyPath: path(to: scalar.string), context: context)
            pairs.append(YAMLPair(name: scalar.string, key: key, value: value))
        }
        return pairs
    }

    private func path(to name: String) -> String {
        keyPath.isEmpty ? name : "\(keyPath).\(name)"
    }
}
