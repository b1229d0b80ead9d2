import AddressBook
import DirectoryMapping
import Foundation
import Testing

@Suite("The stamp of an imported entry")
struct StampTests {
    @Test(
        "is read back from every kind of entry, with our schema and without it",
        arguments: Entry.Kind.known, [DestinationSchema.ours, .bare])
    func roundTrip(kind: Entry.Kind, schema: DestinationSchema) {
        let entry = Entry(id: Home.id(7), kind: kind, name: "x")
        let desired = Mapping.inetOrgPerson.desired(entry, schema: schema)
        #expect(Stamp.read(DirectoryEntry(desired)) == Home.id(7))
        #expect(desired.objectClasses.contains(schema.hasStamp ? "interorgEntry" : "labeledURIObject"))
        let assertion = Stamp.assertion(entry.id, schema: schema)
        #expect(desired[assertion.attribute].contains(assertion.value))
    }

    @Test("is found among other labelled URIs")
    func amongOthers() {
        let organization = Home.organization.description
        let ours = Value("urn:interorg:\(organization):\(Home.uuid(7).text)")
        let raw = DirectoryEntry.person(["labeledURI": ["https://x.example Home page", ours]])
        #expect(Stamp.read(raw) == Home.id(7))
    }

    @Test("is asked for when a directory is read")
    func attributes() {
        #expect(Set(Stamp.attributes).isSubset(of: Mapping.inetOrgPerson.exportAttributes))
    }

    @Test(
        "is not read from anything else",
        arguments: [
            [:], ["labeledURI": ["https://x.example"]], ["labeledURI": ["urn:interorg:"]],
            ["labeledURI": ["urn:interorg:00000000-0000-0000-0000-0000000000a0"]],
            ["labeledURI": ["urn:interorg:00000000-0000-0000-0000-0000000000a0:no"]],
            ["labeledURI": [Value([0xFF])]], ["interorgEntryUUID": ["00000000-0000-0000-0000-000000000001"]],
            ["interorgEntryUUID": ["x"], "interorgOrganizationID": ["y"]],
        ] as [[String: [Value]]])
    func others(attributes: [String: [Value]]) {
        #expect(Stamp.read(.person(attributes)) == nil)
    }
}
