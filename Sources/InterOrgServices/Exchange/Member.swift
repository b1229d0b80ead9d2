import AddressBook
import InterOrgProtocol

/// An organization that takes part in an exchange, as its master has it.
public struct Member: Hashable, Sendable {
    public var organization: Organization
    /// Whose entries it gets; nil: those of all others.
    public var receives: Set<OrganizationID>?
    /// Whether the others get its entries.
    public var offers: Bool

    public init(_ organization: Organization, receives: Set<OrganizationID>? = nil, offers: Bool = true) {
        self.organization = organization
        self.receives = receives
        self.offers = offers
    }

    public var id: OrganizationID { organization.id }

    var view: View { View(excluding: organization.id, only: receives) }
}
