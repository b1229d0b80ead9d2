import AddressBook

extension Mapping {
    /// DESIGN section 3, column "inetOrgPerson by default". The rules are constant and satisfy `check()`, which
    /// a test proves; a failure here would be a defect that every test run shows at once.
    public static let inetOrgPerson: Mapping = {
        do {
            return try Mapping(name: "inetOrgPerson", rules: inetOrgPersonRules)
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    private static let inetOrgPersonRules: [FieldRule] = [
        FieldRule(.givenName, from: [.init("givenName")], to: "givenName"),
        FieldRule(.initials, from: [.init("initials")], to: "initials"),
        FieldRule(.sn, from: [.init("sn")], to: "sn"),
        FieldRule(
            .displayName, from: [.init("displayName"), .init("cn")], to: "displayName", isSingleValued: true),
        FieldRule(.alias, from: [.init("uid")], to: "uid"),
        FieldRule(.street, from: [.init("street"), .init("postalAddress", .postalAddress)], to: "street"),
        FieldRule(.l, from: [.init("l")], to: "l"),
        FieldRule(.st, from: [.init("st")], to: "st"),
        FieldRule(.postalCode, from: [.init("postalCode")], to: "postalCode"),
        FieldRule(.co, from: [.init("co"), .init("c")], to: "co", needsSchema: true),
        FieldRule(.title, from: [.init("title")], to: "title"),
        FieldRule(.company, from: [.init("o")], to: "o"),
        FieldRule(.department, from: [.init("departmentNumber"), .init("ou")], to: "departmentNumber"),
        FieldRule(
            .physicalDeliveryOfficeName, from: [.init("physicalDeliveryOfficeName")],
            to: "physicalDeliveryOfficeName"),
        FieldRule(
            .assistant, from: [.init("interorgAssistant"), .init("secretary", .reference)], to: "interorgAssistant",
            needsSchema: true),
        FieldRule(.telephoneNumber, from: [.init("telephoneNumber")], to: "telephoneNumber"),
        FieldRule(.mail, from: [.init("mail")], to: "mail"),
    ]
}
