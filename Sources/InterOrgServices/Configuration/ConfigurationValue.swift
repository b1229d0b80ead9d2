import Foundation
import Yams

/// A value in the file, with its place. Its reading methods return nil exactly if they have reported a problem.
struct ConfigurationValue {
    let node: Node
    let keyPath: String
    let context: ConfigurationContext

    /// Reports a problem with this value.
    func fail(_ message: String) {
        context.problems.add(message, at: node.mark, keyPath: keyPath)
    }

    /// The line in words, to point at from another place of the file.
    var place: String { node.mark.map { "\(keyPath), line \($0.line)" } ?? keyPath }

    /// Whether this is a certain text. Reports nothing.
    func isText(_ text: String) -> Bool {
        if case .scalar(let scalar) = node { return kind == .text && scalar.string == text }
        return false
    }

    /// What the file has here, in a person's words.
    var kind: ConfigurationValueKind { ConfigurationValueKind(node) }

    /// Reports that something else was expected. The value is not shown: it might be a secret that slipped here.
    func failKind(expected: String) {
        let found = kind
        let advice =
            switch found {
            case .flag, .number: "; if it is meant as text, put it in quotes"
            default: ""
            }
        fail("expected \(expected), found \(found.rawValue)\(advice)")
    }

    /// A text that is not empty.
    func text() -> String? {
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

    /// A scalar as it stands in the file, whatever YAML would take it for: `02:00` and `15` are for us to understand.
    func plainText(expected: String) -> String? {
        guard case .scalar(let scalar) = node, [.text, .number].contains(kind) else {
            failKind(expected: expected)
            return nil
        }
        return scalar.string
    }

    /// `true` or `false`.
    func flag() -> Bool? {
        guard case .scalar(let scalar) = node, kind == .flag else {
            failKind(expected: "true or false")
            return nil
        }
        return scalar.string.lowercased() == "true"
    }

    /// A decimal integer within a range.
    func integer(in range: ClosedRange<Int>) -> Int? {
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
    func list() -> [ConfigurationValue]? {
        guard case .sequence(let sequence) = node else {
            failKind(expected: "a list, like [ ... ] or lines that start with \"- \"")
            return nil
        }
        return sequence.enumerated().map { index, element in
            ConfigurationValue(node: element, keyPath: "\(keyPath)[\(index)]", context: context)
        }
    }

    /// One of a few words.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(_: Choice.Type) -> Choice? {
        guard let text = text() else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let hint = SimilarName.find(for: text, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        fail("\"\(text)\" is not known; allowed: \(names.joined(separator: ", "))\(hint)")
        return nil
    }
}

/// What all values of a file share.
struct ConfigurationContext {
    let problems: ConfigurationProblems
    /// Keys that are given twice, by the name they have among the nodes.
    let repeatedKeys: [String: String]
    /// The folder of the file, which relative paths start at.
    let folder: String
    /// The environment that secrets may come from.
    let environment: [String: String]
}

/// What a node is, by the core schema of YAML 1.2.2 (section 10.3), which editors go by as well. YAML 1.1, and with it
/// the default of Yams, would also take `no` for false and `12:30` for 750.
enum ConfigurationValueKind: String {
    case text
    case number = "a number"
    case flag = "true or false"
    case nothing
    case list = "a list"
    case mapping = "a mapping (key: value)"
    case tagged = "a value with a YAML tag"

    init(_ node: Node) {
        switch node {
        case .mapping: self = .mapping
        case .sequence: self = .list
        case .alias: self = .tagged
        case .scalar(let scalar): self = Self.kind(of: scalar)
        }
    }

    private static func kind(of scalar: Node.Scalar) -> ConfigurationValueKind {
        guard Resolver.basic.resolveTag(of: .scalar(scalar)) == .str else { return .tagged }
        guard scalar.style == .plain else { return .text }
        if ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .nothing }
        if ["true", "True", "TRUE", "false", "False", "FALSE"].contains(scalar.string) { return .flag }
        let number = /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+/
        return scalar.string.wholeMatch(of: number) == nil ? .text : .number
    }
}
