/// A field of the General page, named as in DESIGN section 3. A field of a newer version is kept under its name and
/// passed on: organizations never upgrade together.
public struct Field: RawRepresentable, Hashable, Sendable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static let givenName = Field(rawValue: "givenName")
    public static let initials = Field(rawValue: "initials")
    public static let sn = Field(rawValue: "sn")
    public static let displayName = Field(rawValue: "displayName")
    public static let alias = Field(rawValue: "alias")
    public static let street = Field(rawValue: "street")
    public static let l = Field(rawValue: "l")
    public static let st = Field(rawValue: "st")
    public static let postalCode = Field(rawValue: "postalCode")
    public static let co = Field(rawValue: "co")
    public static let title = Field(rawValue: "title")
    public static let company = Field(rawValue: "company")
    public static let department = Field(rawValue: "department")
    public static let physicalDeliveryOfficeName = Field(rawValue: "physicalDeliveryOfficeName")
    public static let assistant = Field(rawValue: "assistant")
    public static let telephoneNumber = Field(rawValue: "telephoneNumber")
    public static let mail = Field(rawValue: "mail")

    /// The fields that this version knows, in the order in which a person reads them.
    public static let generalPage: [Field] = [
        .givenName, .initials, .sn, .displayName, .alias, .street, .l, .st, .postalCode, .co, .title, .company,
        .department, .physicalDeliveryOfficeName, .assistant, .telephoneNumber, .mail,
    ]

    /// Whether an entry has one value of it at most.
    public var isSingleValued: Bool { self == .displayName }

    /// Whether the order of the values means something: the first mail address is the primary one.
    public var isOrdered: Bool { self == .mail }
}

extension Field: Comparable {
    public static func < (left: Field, right: Field) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }
}
