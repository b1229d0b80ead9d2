import AddressBook
import Foundation
import StrictYAML
import Testing

@testable import DirectoryMapping

@Suite("The schema for editors, the documentation and the loader")
struct SchemaTests {
    let schema: JSONSchema

    init() throws {
        schema = try JSONSchema.mapping()
    }

    @Test("the built-in mappings are as the schema says", arguments: Profile.allCases)
    func profiles(profile: Profile) throws {
        let violations = try schema.violations(of: profile.text)
        #expect(violations == [])
    }

    @Test("know the same keys")
    func keys() {
        func names<Key: YAMLKey>(_: Key.Type) -> Set<String> { Set(Key.allCases.map(\.rawValue)) }
        let recipe = names(RecipeKey.self)
        #expect(schema.keys(of: "exportRecipe") == recipe.subtracting(["needsSchema"]))
        #expect(schema.keys(of: "importRecipe") == recipe.subtracting(["nameOf"]))
        #expect(schema.keys(of: "export") == Set(Field.generalPage.map(\.rawValue)))
        #expect(schema.keys(of: "stepWithValue") == names(StepKey.self))
        #expect(schema.keys(of: "replace") == names(ReplaceKey.self))
        #expect(schema.keys(of: "lookup") == names(LookupKey.self))
        #expect(schema.keys(of: "phone") == names(PhoneKey.self))
    }

    @Test("every example of the documentation is right")
    func examples() throws {
        let text = try String(contentsOf: Repository.file("docs/mapping.md"), encoding: .utf8)
        let examples = text.components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }.filter { !$0.hasPrefix("# interorg.yaml") }
        #expect(examples.count >= 10)
        for example in examples {
            #expect(problems(of: example) == [], "\(example)")
            let violations = try schema.violations(of: example)
            #expect(violations == [], "\(example)")
        }
    }

    @Test(
        "what the loader refuses in form, the schema refuses",
        arguments: [
            "exports: { sn: sn }", "basedOn: inetOrgPerson", "export: sn", "export: { titel: title }",
            "import: { title: tittle }", "import: { 2x: title }", "export: { title: [] }", "export: { title: 7 }",
            "export: { title: { form: a } }", "export: { title: { from: a, constant: b } }",
            "export: { title: { then: [first] } }", "export: { title: { from: [] } }",
            "export: { title: { constant: '' } }", "export: { title: { template: abc } }",
            "export: { title: { from: a, needsSchema: true } }", "import: { title: { nameOf: title } }",
            "export: { title: { from: a, then: first } }", "export: { title: { from: a, then: [frist] } }",
            "export: { title: { from: a, then: [{ split: '' }] } }",
            "export: { title: { from: a, then: [{ split: a, join: b }] } }",
            "export: { title: { from: a, then: [{ case: Upper }] } }",
            "export: { title: { from: a, then: [{ replace: { pattern: a } }] } }",
            "export: { title: { from: a, then: [{ lookup: { table: {} } }] } }",
            "export: { title: { from: a, then: [{ lookup: { table: { a: b }, otherwise: x } }] } }",
            "export: { title: { from: a, then: [{ phone: { trunk: 0 } }] } }",
            "export: { title: { from: a, when: 'l=*' } }",
        ])
    func refused(text: String) throws {
        #expect(!problems(of: text).isEmpty)
        let violations = try schema.violations(of: text)
        #expect(!violations.isEmpty)
    }
}
