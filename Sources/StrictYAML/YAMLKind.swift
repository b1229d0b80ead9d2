import Yams

/// What a node is, by the core schema of YAML 1.2.2 (section 10.3), which editors go by as well. YAML 1.1, and with it
/// the default of Yams, would also take `no` for false and `12:30` for 750.
public enum YAMLKind: String {
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

    private static func kind(of scalar: Node.Scalar) -> YAMLKind {
        guard Resolver.basic.resolveTag(of: .scalar(scalar)) == .str else { return .tagged }
        guard scalar.style == .plain else { return .text }
        if ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .nothing }
        if ["true", "True", "TRUE", "false", "False", "FALSE"].contains(scalar.string) { return .flag }
        let number = /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+/
        return scalar.string.wholeMatch(of: number) == nil ? .text : .number
    }
}
