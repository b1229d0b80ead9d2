import Yams

/// A value in the file, with its place. Its reading methods return nil exactly if they have reported a problem.
public struct YAMLValue {
    let node: Node
    /// The keys that lead here, like `directory.export[0].base`; empty for the file as a whole.
    public let keyPath: String
    /// What all values of the file share.
    public let context: YAMLContext

    /// The whole of a text; nil, and reported, if it is not one YAML document with something in it.
    public static func root(
        of text: String, problems: YAMLProblems, folder: String = "", environment: [String: String] = [:]
    ) -> YAMLValue? {
        let document = YAMLDocument.parse(text, problems: problems)
        guard let root = document.root else {
            if problems.error == nil { problems.add("the file is empty; see the example in the documentation") }
            return nil
        }
        let context = YAMLContext(
            problems: problems, repeatedKeys: document.repeatedKeys, folder: folder, environment: environment)
        return YAMLValue(node: root, keyPath: "", context: context)
    }

    /// Reports a problem with this value.
    public func fail(_ message: String) {
        context.problems.add(message, at: node.mark, keyPath: keyPath)
    }

    /// The line in words, to point at from another place of the file.
    public var place: String { node.mark.map { "\(keyPath), line \($0.line)" } ?? keyPath }

    /// Whether this is a certain text. Reports nothing.
    public func isText(_ text: String) -> Bool {
        if case .scalar(let scalar) = node { return kind == .text && scalar.string == text }
        return false
    }

    /// What the file has here, in a person's words.
    public var kind: YAMLKind { YAMLKind(node) }

    /// Reports that something else was expected. The value is not shown: it might be a secret that slipped here.
    public func failKind(expected: String) {
        let found = kind
        let advice =
            switch found {
            case .flag, .number: "; if it is meant as text, put it in quotes"
            default: ""
            }
        fail("expected \(expected), found \(found.rawValue)\(advice)")
    }

    /// A text that is not empty.
    public func text() -> String? {
        guard case .scalar(let scalar) = node, kind == .text else {
            failKind(expected: "text")
            return nil
        }
        guard !scalar.string.isEmpty else {
            fail("the text is empty; leave the key out or give it a value")
            return nil
        }
        guard !scalar.string.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            fail("the text contains a control character, for example a line break")
            return nil
        }
        return scalar.string
    }

    /// A text as it is: it may be empty, and have line breaks.
    public func anyText() -> String? {
        guard case .scalar(let scalar) = node, kind == .text else {
            failKind(expected: "text")
            return nil
        }
        return scalar.string
    }

    /// A scalar as it stands in the file, whatever YAML would take it for: `02:00` and `15` are for us to understand.
    public func plainText(expected: String) -> String? {
        guard case .scalar(let scalar) = node, [.text, .number].contains(kind) else {
            failKind(expected: expected)
            return nil
        }
        return scalar.string
    }

    /// `true` or `false`.
    public func flag() -> Bool? {
        guard case .scalar(let scalar) = node, kind == .flag else {
            failKind(expected: "true or false")
            return nil
        }
        return scalar.string.lowercased() == "true"
    }

    /// A decimal integer within a range.
    public func integer(in range: ClosedRange<Int>) -> Int? {
        guard case .scalar(let scalar) = node, kind == .number else {
            failKind(expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        guard let number = Int(scalar.string), range.contains(number) else {
            fail("expected an integer from \(range.lowerBound) to \(range.upperBound), found \(scalar.string)")
            return nil
        }
        return number
    }

    /// The elements of a list.
    public func list() -> [YAMLValue]? {
        guard case .sequence(let sequence) = node else {
            failKind(expected: "a list, like [ ... ] or lines that start with \"- \"")
            return nil
        }
        return sequence.enumerated().map { index, element in
            YAMLValue(node: element, keyPath: "\(keyPath)[\(index)]", context: context)
        }
    }

    /// One of a few words.
    public func choice<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) -> Choice? {
        guard let text = text() else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let hint = SimilarName.find(for: text, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        fail("\"\(text)\" is not known; allowed: \(names.joined(separator: ", "))\(hint)")
        return nil
    }
}

/// What all values of a file share.
public struct YAMLContext {
    let problems: YAMLProblems
    /// Keys that are given twice, by the name they have among the nodes.
    let repeatedKeys: [String: String]
    /// The folder of the file, which relative paths start at.
    public let folder: String
    /// The environment that secrets may come from.
    public let environment: [String: String]
}
