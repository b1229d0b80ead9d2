import Foundation
import Testing
import Yams

/// As much of JSON Schema (2020-12) as `schemas/mapping.schema.json` uses.
struct JSONSchema {
    private let root: [String: Any]

    static func mapping() throws -> JSONSchema {
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: Repository.file("schemas/mapping.schema.json")))
        return JSONSchema(root: try #require(json as? [String: Any]))
    }

    /// The places of a YAML text that are not as the schema says; a place is named by its keys.
    func violations(of text: String) throws -> [String] {
        violations(try #require(try Yams.load(yaml: text)), root, at: "")
    }

    /// The names under `properties` of a definition, or of a property of the whole.
    func keys(of name: String) -> Set<String> {
        let place = (root["$defs"] as? [String: Any])?[name] ?? (root["properties"] as? [String: Any])?[name]
        return Set((((place as? [String: Any])?["properties"]) as? [String: Any] ?? [:]).keys)
    }

    private func violations(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
        var found: [String] = []
        func demand(_ holds: Bool, _ what: String) { if !holds { found.append("\(place): \(what)") } }
        if let reference = schema["$ref"] as? String, let name = reference.split(separator: "/").last {
            let definitions = root["$defs"] as? [String: Any] ?? [:]
            found += violations(value, definitions[String(name)] as? [String: Any] ?? ["enum": []], at: place)
        }
        if let type = schema["type"] {
            demand((type as? [String] ?? [type as? String ?? ""]).contains { Self.isOf($0, value) }, "type")
        }
        if let allowed = schema["enum"] as? [String] { demand(allowed.contains(value as? String ?? ""), "enum") }
        if let constant = schema["const"] as? String { demand(value as? String == constant, "const") }
        if let choices = schema["anyOf"] as? [[String: Any]] {
            demand(choices.contains { violations(value, $0, at: place).isEmpty }, "anyOf")
        }
        if let choices = schema["oneOf"] as? [[String: Any]] {
            demand(choices.count { violations(value, $0, at: place).isEmpty } == 1, "oneOf")
        }
        if let text = value as? String {
            if let pattern = schema["pattern"] as? String {
                demand(text.range(of: pattern, options: .regularExpression) != nil, "pattern")
            }
            demand(text.count >= schema["minLength"] as? Int ?? 0, "minLength")
        }
        if let list = value as? [Any] {
            demand(list.count >= schema["minItems"] as? Int ?? 0, "minItems")
            if let items = schema["items"] as? [String: Any] {
                for (index, item) in list.enumerated() { found += violations(item, items, at: "\(place)[\(index)]") }
            }
        }
        if let mapping = value as? [String: Any] { found += self.mapping(mapping, schema, at: place) }
        return found
    }

    private func mapping(_ mapping: [String: Any], _ schema: [String: Any], at place: String) -> [String] {
        var found: [String] = []
        let properties = schema["properties"] as? [String: Any] ?? [:]
        for name in schema["required"] as? [String] ?? [] where mapping[name] == nil {
            found.append("\(place): no \(name)")
        }
        if mapping.count < schema["minProperties"] as? Int ?? 0 { found.append("\(place): minProperties") }
        if mapping.count > schema["maxProperties"] as? Int ?? .max { found.append("\(place): maxProperties") }
        for (name, value) in mapping {
            let inner = place.isEmpty ? name : "\(place).\(name)"
            if let names = schema["propertyNames"] as? [String: Any] { found += violations(name, names, at: inner) }
            if let property = properties[name] as? [String: Any] {
                found += violations(value, property, at: inner)
            } else if let additional = schema["additionalProperties"] as? [String: Any] {
                found += violations(value, additional, at: inner)
            } else if schema["additionalProperties"] as? Bool == false {
                found.append("\(inner): unknown")
            }
        }
        return found
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "boolean": value is Bool
        case "integer": value is Int
        case "number": value is Int || value is Double
        case "null": value is NSNull
        default: false
        }
    }
}

enum Repository {
    static func file(_ path: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: path)
    }
}
