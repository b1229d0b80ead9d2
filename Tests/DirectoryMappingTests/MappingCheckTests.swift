import AddressBook
import DirectoryMapping
import Testing

@Suite("A mapping that cannot be right is refused")
struct MappingCheckTests {
    private func refusal(_ rules: [FieldRule]) -> String? {
        do throws(MappingError) {
            _ = try Mapping(name: "mine", rules: rules)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("the built-in mapping is right, and known by its name")
    func builtIn() {
        #expect(refusal(Mapping.inetOrgPerson.rules) == nil)
        #expect(Mapping.builtIn(named: "inetOrgPerson")?.rules.count == 17)
        #expect(Mapping.builtIn(named: "other") == nil)
    }

    @Test("a field that is mapped twice is named")
    func fieldTwice() {
        let message = refusal([
            FieldRule(.title, from: [.init("title")], to: "title"),
            FieldRule(.title, from: [.init("personalTitle")], to: "personalTitle"),
        ])
        #expect(message == "mapping mine: the field title is mapped twice")
    }

    @Test("an attribute that two fields are written to is named, whatever its case")
    func destinationTwice() {
        let message = refusal([
            FieldRule(.title, from: [.init("title")], to: "title"),
            FieldRule(.company, from: [.init("TITLE")], to: "TITLE"),
        ])
        #expect(message == "mapping mine: two fields are written to TITLE")
    }

    @Test("a field that would not come back from where it is written is named")
    func noIdentity() {
        let unfaithful = [
            FieldRule(.street, from: [.init("postalAddress", .postalAddress)], to: "postalAddress"),
            FieldRule(.street, from: [.init("postalAddress", .postalAddress), .init("street")], to: "street"),
            FieldRule(.street, from: [], to: "street"),
        ]
        for rule in unfaithful {
            #expect(refusal([rule])?.contains("street is written to \(rule.destination) but not read") == true)
        }
        #expect(refusal([FieldRule(.street, from: [.init("STREET")], to: "street")]) == nil)
    }
}
