import AddressBook
import InterOrgServices

/// What the master's configuration says of the others.
final class Membership {
    private(set) var members: [Member] = []
    /// Those whose entries were taken back at some time.
    private(set) var withdrawn: Set<OrganizationID> = []

    subscript(id: OrganizationID) -> Member? { members.first { $0.id == id } }

    func remove(_ id: OrganizationID) {
        members.removeAll { $0.id == id }
        withdrawn.insert(id)
    }

    func set(_ member: Member) {
        members.removeAll { $0.id == member.id }
        members.append(member)
        if !member.offers { withdrawn.insert(member.id) }
    }

    /// Whether one organization's directory should have another's entries.
    ///
    /// - Parameter master: takes part without being a member of its own exchange.
    func shows(_ owner: OrganizationID, to viewer: OrganizationID, master: OrganizationID) -> Bool {
        guard owner != viewer else { return false }
        let isOffered = owner == master || self[owner]?.offers == true
        if viewer == master { return isOffered }
        guard let member = self[viewer] else { return false }
        return isOffered && member.receives?.contains(owner) != false
    }
}
