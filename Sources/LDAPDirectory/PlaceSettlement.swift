import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Gives places to those who ought to have them, once all entries have come: of those that want one, the lowest ID has
/// it. It needs to know nothing of the entries but where they stand.
struct PlaceSettlement {
    let session: ImportSession

    /// - Parameter claims: in the order of their IDs.
    /// - Returns: where entries stand that have been moved.
    func settle(_ claims: [PlaceClaim]) async throws -> [EntryID: Placement] {
        var moved: [EntryID: Placement] = [:]
        var settled: Set<String> = []
        for claim in claims where settled.insert(claim.wanted.key).inserted {
            do {
                if let occupant = claim.occupant {
                    guard let aside = try await moveAside(occupant, from: claim.wanted) else { continue }
                    moved[occupant] = aside
                }
                guard let entry = try await session.find(claim.id, at: claim.place, attributes: Stamp.attributes)
                else { continue }
                try await finishRename(from: claim.place, to: LDAPDN(entry.dn))
                try await move(entry, to: claim.wanted, dropsName: true)
                moved[claim.id] = Placement(claim.wanted)
            } catch let error as LDAPError where !error.isTransient {
                // An entry that is not ours has taken the place, or the server does not let it be renamed. It stands where
                // it stands, and the next synchronization asks again.
            }
        }
        return moved
    }

    /// - Returns: where the entry stands then; nil if it is not there.
    private func moveAside(_ id: EntryID, from place: Place) async throws -> Placement? {
        guard let entry = try await session.find(id, at: place, attributes: Stamp.attributes) else { return nil }
        let here = try LDAPDN(entry.dn)
        try await finishRename(from: place, to: here)
        // An earlier settlement was interrupted.
        guard here.normalized == place.key, let rdn = here.rdn?.attributeValues.first, let container = here.parent
        else { return Placement(try here.place, wanted: place) }
        let name = NameSuffix(of: id).name(after: .init(attribute: rdn.type, value: Value(rdn.value)))
        let aside = try container.appending(.init([.init(type: name.attribute, value: name.value.bytes)])).place
        try await move(entry, to: aside, dropsName: false)
        return Placement(aside, wanted: try here.place)
    }

    /// - Parameter dropsName: whether its old name is none of its values any more.
    private func move(_ entry: DirectoryEntry, to place: Place, dropsName: Bool) async throws {
        let (old, new) = (try LDAPDN(entry.dn), try LDAPDN(place.text))
        guard old != new, let rdn = new.rdn else { return }
        try await session.writer.rename(
            dn: entry.dn, newRDN: rdn.description, deleteOldRDN: dropsName,
            newSuperior: old.parent == new.parent ? nil : new.parent?.string())
        try await renameMembers(.init(old: old, new: new, isContainer: new.isContainer))
    }

    /// An earlier settlement may have been interrupted between the rename and the groups.
    private func finishRename(from recorded: Place, to here: LDAPDN) async throws {
        let move = try await GroupMembers(session: session).unfinished(
            from: recorded, to: here, isContainer: here.isContainer)
        if let move { try await renameMembers(move) }
    }

    private func renameMembers(_ move: GroupMembers.Move) async throws {
        let refusals = try await GroupMembers(session: session).rename([move])
        if let refusal = refusals[move.old] { throw refusal }
    }
}

extension LDAPDN {
    fileprivate var isContainer: Bool { rdn?.attributeValues.first?.type.lowercased() == "ou" }
}
