import AddressBook
import DirectoryMapping
import Foundation

enum Home {
    static let organization = OrganizationID(uuid(0xA0))
    static let person = uuid(1)
    static let container = uuid(2)

    static func uuid(_ number: UInt8) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number))
    }

    static func id(_ number: UInt8) -> EntryID { EntryID(organization: organization, uuid: uuid(number)) }

    static func placement(named name: Value) -> HomePlacement {
        HomePlacement(organization: organization, parent: container, name: name)
    }
}

extension DestinationSchema {
    static let ours = DestinationSchema(hasStamp: true, hasGeneralPage: true)
    static let bare = DestinationSchema(hasStamp: false, hasGeneralPage: false)
}

extension DirectoryEntry {
    /// An inetOrgPerson with these attributes.
    static func person(_ attributes: [String: [Value]]) -> DirectoryEntry {
        entry(of: ["top", "person", "organizationalPerson", "inetOrgPerson"], attributes)
    }

    static func entry(of objectClasses: [Value], _ attributes: [String: [Value]]) -> DirectoryEntry {
        DirectoryEntry(
            dn: "cn=x", uuid: Home.person,
            attributes: [(name: "objectClass", values: objectClasses)]
                + attributes.map { (name: $0.key, values: $0.value) })
    }

    /// What a directory shows after it has taken what was desired.
    init(_ desired: DesiredEntry) {
        self.init(
            dn: "cn=x", uuid: Home.person,
            attributes: [(name: "objectClass", values: desired.objectClasses.map { Value($0) })]
                + desired.attributes.map { (name: $0.name, values: $0.values) })
    }
}

extension Mapping {
    /// The canonical entry of a directory's, at home under the name `anna`.
    func exported(_ raw: DirectoryEntry, names: [String: Reference] = [:]) -> Entry? {
        entry(from: raw, at: Home.placement(named: "anna"), resolve: { names[$0] })
    }
}

/// Somebody with every field of the General page.
let wholePerson = Entry(
    id: Home.id(1), kind: .person, parent: Home.container, name: "anna",
    fields: [
        .givenName: ["Anna", "Änne"], .initials: ["AM"], .sn: ["Müller"], .displayName: ["Anna Müller"],
        .alias: ["anna", "am"], .street: ["Way 1\nFlat 2"], .l: ["Zürich"], .st: ["ZH"], .postalCode: ["8000"],
        .co: ["Switzerland"], .title: ["Chief"], .company: ["Example"], .department: ["7"],
        .physicalDeliveryOfficeName: ["3.14"], .assistant: ["Ben Bär"], .telephoneNumber: ["+41 1", "+41 2"],
        .mail: ["second@x.example", "first@x.example"],
    ])
