import Foundation
import AddressBook
import Testing

@Suite("Organization IDs derived from names")
struct OrganizationIDTests {
    /// The values are those of Python's `uuid.uuid5`.
    @Test(
        "the ID is the version-5 UUID that other implementations compute",
        arguments: [
            ("branch-a", "C2D113F2-2F59-5D87-B7A0-58F6F0ED0384"),
            ("headquarters", "FC80FC6D-48D0-5A36-8BA7-BD54BB4012E3"),
            ("Z\u{FC}rich", "E040512C-E296-5C0B-944F-6CDD37FFFD2B"),
            ("Zu\u{308}rich", "E040512C-E296-5C0B-944F-6CDD37FFFD2B"),
        ]
    )
    func knownValues(name: String, id: String) {
        #expect(OrganizationID(derivedFromName: name).uuid.uuidString == id)
    }
}
