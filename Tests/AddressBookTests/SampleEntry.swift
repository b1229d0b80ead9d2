import AddressBook
import Foundation

/// A group that has something of everything.
let sampleEntry = Entry(
    id: sampleID(1), kind: .group, parent: sampleID(2).uuid, name: "staff",
    fields: [
        .displayName: ["All staff"], .telephoneNumber: ["+41 1", "+41 2"],
        .mail: ["first@x.example", "second@x.example"],
    ],
    members: [sampleID(3), sampleID(4)])

func sampleID(_ number: UInt8, organization: UInt8 = 0xA0) -> EntryID {
    EntryID(organization: OrganizationID(sampleUUID(organization)), uuid: sampleUUID(number))
}

private func sampleUUID(_ last: UInt8) -> UUID {
    UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last))
}
