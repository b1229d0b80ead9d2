import Foundation
import Testing

/// The sections that `schemas/config.schema.json` describes.
struct ConfigurationSchema {
    private(set) var keysBySection: [String: [String]] = [:]
    private(set) var requiredKeysBySection: [String: [String]] = [:]
    /// The paths of keys that have no description, neither at their place nor at what they refer to.
    private(set) var undescribedKeys: [String] = []
    /// The sections that would allow unknown keys.
    private(set) var openSections: [String] = []
    private let definitions: [String: Any]

    static func load() throws -> ConfigurationSchema {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "schemas/config.schema.json")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        return ConfigurationSchema(try #require(json as? [String: Any]))
    }

    private init(_ root: [String: Any]) {
        definitions = root["$defs"] as? [String: Any] ?? [:]
        visit(root, path: "")
    }

    private mutating func visit(_ place: [String: Any], path: String) {
        let schema = resolved(place)
        if place["description"] == nil, schema["description"] == nil {
            undescribedKeys.append(path)
        }
        if let properties = schema["properties"] as? [String: Any] {
            keysBySection[path] = properties.keys.sorted()
            requiredKeysBySection[path] = schema["required"] as? [String] ?? []
            if schema["additionalProperties"] as? Bool != false { openSections.append(path) }
            for (key, property) in properties {
                visit(property as? [String: Any] ?? [:], path: path.isEmpty ? key : "\(path).\(key)")
            }
        }
        if let items = schema["items"] as? [String: Any], resolved(items)["properties"] != nil {
            visit(items, path: path + "[]")
        }
        for alternative in schema["oneOf"] as? [[String: Any]] ?? [] where alternative["$ref"] != nil {
            visit(alternative, path: path)
        }
    }

    private func resolved(_ schema: [String: Any]) -> [String: Any] {
        guard let reference = schema["$ref"] as? String, let name = reference.split(separator: "/").last else {
            return schema
        }
        return definitions[String(name)] as? [String: Any] ?? [:]
    }
}
