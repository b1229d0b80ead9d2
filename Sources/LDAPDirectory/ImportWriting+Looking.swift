import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// What to do when a plan could not be carried out because something is not as it was, or as the state says.
extension ImportWriting {
    enum Next {
        case again(Wish)
        case done(Outcome)
    }

    /// What is in the way of a plan, and what that means for it.
    func lookAround(_ plan: EntryPlan, _ error: LDAPError) async throws -> Next {
        switch error.code {
        case .entryAlreadyExists: try await lookAtPlace(plan, error)
        case .noSuchObject: try await lookForContainer(plan, error)
        default: .again(plan.wish)
        }
    }

    private func lookAtPlace(_ plan: EntryPlan, _ error: LDAPError) async throws -> Next {
        var wish = plan.wish
        let place = plan.placement.place
        if plan.current == nil,
            let found = try await session.find(wish.id, at: place, attributes: Stamp.attributes)
        {
            // Written before an interruption, or under another name since.
            wish.hint = try LDAPDN(found.dn).place
            return .again(wish)
        }
        guard let occupant = try await session.reader.entry(dn: place.text, attributes: Stamp.attributes) else {
            return .again(wish)
        }
        if Stamp.read(DirectoryEntry(occupant)) == nil {
            let reason = "\(place.text): an entry that is not ours stands there; rename or remove it"
            return .done(.refused(reason: reason, answer: error.answer))
        }
        if wish.isDisplaced {
            let reason = "\(place.text): its name and this one are both those of other entries"
            return .done(.refused(reason: reason, answer: error.answer))
        }
        wish.isDisplaced = true
        return .again(wish)
    }

    /// The entry has gone or been renamed, or its container has. What comes for a container that somebody has renamed goes
    /// to where that is, until the container itself comes again.
    private func lookForContainer(_ plan: EntryPlan, _ error: LDAPError) async throws -> Next {
        var wish = plan.wish
        if let parent = wish.entry.parent, session.rules.placement.mirrorsContainers {
            let id = EntryID(organization: wish.id.organization, uuid: parent)
            guard let found = try await session.find(id, at: wish.container, attributes: Stamp.attributes) else {
                return .done(try Outcome(of: error))
            }
            wish.container = try LDAPDN(found.dn).place
        }
        return .again(wish)
    }
}
