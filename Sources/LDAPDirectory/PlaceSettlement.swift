import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Gives places to those who ought to have them, once all entries have come: of those that want one, the lowest ID has
/// it. It needs to know nothing of the entries but where they stand, and never moves one out of its container.
struct PlaceSettlement {
    let session: ImportSession

    /// So many are settled before that is recorded.
    private static let settledTogether = 100

    /// - Parameter claims: in the order of their IDs.
    /// - Returns: where entries stand now, or are about to; empty when there is nothing more to do.
    func settle(_ claims: [PlaceClaim]) async throws -> [EntryID: Placement] {
        var keys: Set<String> = []
        let first = claims.filter { keys.insert($0.wanted.key).inserted }
        // Who has to go from a place is known to want it before it goes: then an interruption leaves nobody out.
        let unnoted = first.compactMap(\.occupant).filter { !$0.isNoted }
        if !unnoted.isEmpty {
            return Dictionary(
                unnoted.map { ($0.id, Placement($0.place, wanted: $0.place)) }, uniquingKeysWith: { first, _ in first })
        }
        var moved: [EntryID: Placement] = [:]
        for claim in first.prefix(Self.settledTogether) {
            do {
                moved.merge(try await settle(claim)) { _, new in new }
            } catch let error as LDAPError where !error.isTransient {
                // The server does not let it be renamed. It stands where it stands, and the next synchronization asks
                // again.
            }
        }
        return moved
    }

    private func settle(_ claim: PlaceClaim) async throws -> [EntryID: Placement] {
        guard let entry = try await session.find(claim.id, at: claim.place, attributes: Stamp.attributes) else {
            return [:]
        }
        let (here, wanted) = (try LDAPDN(entry.dn), try LDAPDN(claim.wanted.text))
        // Its container has been moved in the meantime, or it has: where it belongs is told anew.
        guard here.parent == wanted.parent else { return [:] }
        try await finishRename(from: claim.place, to: here)
        let aside = try await makeRoom(at: claim.wanted, for: claim)
        guard here == wanted || aside.isFree else { return [:] }
        do {
            try await move(here, to: wanted, dropsName: true)
        } catch {
            if let occupant = aside.occupant { try await move(occupant, to: wanted, dropsName: true) }
            throw error
        }
        var moved = [claim.id: Placement(claim.wanted)]
        if let occupant = claim.occupant {
            moved[occupant.id] = try aside.occupant.map { Placement(try $0.place, wanted: occupant.place) }
        }
        return moved
    }

    /// - Returns: whether nobody stands there (any more), and where the one stands that has stepped aside.
    private func makeRoom(
        at place: Place, for claim: PlaceClaim
    ) async throws -> (isFree: Bool, occupant: LDAPDN?) {
        let standing = try await session.reader.entry(dn: place.text, attributes: Stamp.attributes)
        let stamp = standing.map { DirectoryEntry($0) }.flatMap { Stamp.read($0) }
        guard let occupant = claim.occupant else { return (standing == nil || stamp == claim.id, nil) }
        guard let standing, stamp == occupant.id else {
            // An earlier settlement was interrupted, or an entry that is not ours stands there.
            let found = try await session.find(occupant.id, at: nil, attributes: Stamp.attributes)
            guard let here = try found.map({ try LDAPDN($0.dn) }) else { return (standing == nil, nil) }
            try await finishRename(from: place, to: here)
            return (standing == nil || stamp == claim.id, here)
        }
        let here = try LDAPDN(standing.dn)
        guard let rdn = here.rdn?.attributeValues.first, let container = here.parent else { return (false, nil) }
        let name = NameSuffix(of: occupant.id).name(after: .init(attribute: rdn.type, value: Value(rdn.value)))
        let aside = try container.appending(.init([.init(type: name.attribute, value: name.value.bytes)]))
        try await move(here, to: aside, dropsName: false)
        return (true, aside)
    }

    /// - Parameter dropsName: whether its old name is none of its values any more.
    private func move(_ old: LDAPDN, to new: LDAPDN, dropsName: Bool) async throws {
        guard old != new, let rdn = new.rdn else { return }
        try await session.writer.rename(dn: old.string(), newRDN: rdn.description, deleteOldRDN: dropsName)
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
