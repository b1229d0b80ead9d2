import AddressBook
import InterOrgServices

/// What the master's configuration says of the others.
final class Membership {
    var members: [Member] = []

    subscript(id: OrganizationID) -> Member? { members.first { $0.id == id } }

    func remove(_ id: OrganizationID) { members.removeAll { $0.id == id } }

    func set(_ member: Member) {
        remove(member.id)
        members.append(member)
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
