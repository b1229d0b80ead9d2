import AddressBook
import Foundation
import Testing

@Suite("IDs")
struct EntryIDTests {
    @Test("the text of a UUID is that of RFC 9562, in lower case")
    func text() {
        let uuids = (0..<200).map { _ in UUID() } + [UUID(bytes: Array(repeating: 0, count: 16)) ?? UUID()]
        for uuid in uuids { #expect(uuid.text == uuid.uuidString.lowercased()) }
    }

    @Test("entries of two organizations with one UUID are two")
    func organizations() {
        let uuid = UUID()
        let ids = ["a", "b"].map { EntryID(organization: OrganizationID(derivedFromName: $0), uuid: uuid) }
        #expect(Set(ids).count == 2)
    }
}
