import Foundation
import Testing
import Yams

@testable import InterOrgServices

@Suite("The schema for editors and the loader")
struct ConfigurationSchemaTests {
    let schema: ConfigurationSchema

    init() throws {
        schema = try ConfigurationSchema.load()
    }

    @Test("know the same sections with the same keys")
    func sameKeys() {
        #expect(schema.keysBySection == ConfigurationFormat.keysBySection.mapValues { $0.sorted() })
    }

    @Test("describe every key, and allow no others")
    func everyKeyIsDescribed() {
        #expect(schema.undescribedKeys == [])
        #expect(schema.openSections == [])
    }

    @Test("require the same keys", arguments: ConfigurationExample.all)
    func sameRequiredKeys(example: String) throws {
        let root = try #require(try Yams.compose(yaml: example, .basic))
        try ConfigurationFolder.with { folder in
            var removedKeys = 0
            for (section, required) in schema.requiredKeysBySection {
                for key in required {
                    guard let reduced = root.removing(key, fromSection: section) else { continue }
                    removedKeys += 1
                    let problems = try folder.problems(try Yams.serialize(node: reduced))
                    let isTold = problems.contains {
                        $0.contains("the key \"\(key)\" is missing")
                    }
                    #expect(isTold, "without \(section) \(key): \(problems)")
                }
            }
            #expect(removedKeys >= 10)
        }
    }

    @Test(
        "agree that the other keys are optional",
        arguments: ConfigurationExample.all)
    func sameOptionalKeys(example: String) throws {
        // Required by a rule about several keys, or with the role.
        let conditional: Set = [
            "insecure", "identity", "master", "requestors", "bind", "dn", "user", "startTLS", "lmtp", "smtp", "maildir",
            "imap", "pipe", "tls", "every", "at", "continuous",
        ]
        let root = try #require(try Yams.compose(yaml: example, .basic))
        try ConfigurationFolder.with { folder in
            for (section, keys) in schema.keysBySection {
                let required = Set(schema.requiredKeysBySection[section] ?? [])
                for key in Set(keys).subtracting(required).subtracting(conditional) where !key.hasPrefix("password") {
                    guard let reduced = root.removing(key, fromSection: section) else { continue }
                    let problems = try folder.problems(try Yams.serialize(node: reduced))
                    #expect(problems == [], "without \(section) \(key)")
                }
            }
        }
    }
}

extension Node {
    /// This node without a key of a section like `exchange.requestors[]` (the first element of a list); nil if it does
    /// not have that key.
    func removing(_ key: String, fromSection section: String) -> Node? {
        removing(
            key, at: section.replacingOccurrences(of: "[]", with: ".[]").split(separator: ".").map(String.init)[...])
    }

    private func removing(_ key: String, at path: ArraySlice<String>) -> Node? {
        if case .sequence(var sequence) = self, path.first == "[]", let first = sequence.first,
            let reduced = first.removing(key, at: path.dropFirst())
        {
            sequence[sequence.startIndex] = reduced
            return .sequence(sequence)
        }
        guard case .mapping(let mapping) = self else { return nil }
        let name = path.first ?? key
        var pairs = Array(mapping)
        guard let index = pairs.firstIndex(where: { $0.key.string == name }) else { return nil }
        if path.isEmpty {
            pairs.remove(at: index)
        } else {
            guard let reduced = pairs[index].value.removing(key, at: path.dropFirst()) else { return nil }
            pairs[index].value = reduced
        }
        return Node(pairs.map { ($0.key, $0.value) })
    }
}
