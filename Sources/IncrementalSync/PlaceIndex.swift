import AddressBook
import Foundation

/// What the synchronizations that read or write one directory have recorded of it: where entries stand, and what has to
/// be looked at again. What is said of "this synchronization" is that of the one that asks.
public protocol PlaceIndex: Sendable {
    /// What is known to stand at the places with these keys.
    func entries(at keys: [String]) async throws -> [String: KnownEntry]

    /// Which of the entries the asking synchronization has recorded: another one of the same directory may know the rest.
    func recorded(_ entries: [EntryID]) async throws -> Set<EntryID>

    /// Which of the entries any synchronization that writes the directory has recorded, wherever they stand.
    func known(_ entries: [EntryID]) async throws -> Set<EntryID>

    /// How many of the entries stand in the directory by what the synchronizations that write it have recorded, and have no
    /// problem; nil: of all.
    func settledCount(of entries: [EntryID]?) async throws -> Int

    /// Where entries stand; those that are not known to be there are left out.
    func places(of entries: [EntryID]) async throws -> [EntryID: Place]

    /// Entries of this synchronization that want a place which ought to be theirs: nobody stands there, or an entry with
    /// a higher ID. In the order of their IDs.
    func placeClaims(limit: Int) async throws -> [PlaceClaim]

    /// Entries of this synchronization whose content was made from something that is not so any more. Those whose
    /// deletion is a problem are left out: they are known to be gone.
    ///
    /// - Parameter after: entries after this one, in the order in which they were recorded first; from the beginning if it is not
    ///   recorded any more.
    func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID]

    /// Entries of this synchronization that were not seen in a refresh, and whose deletion is not a problem already.
    ///
    /// - Parameter after: entries after this one, in the order of their IDs.
    func unseen(in refresh: RefreshID, after: EntryID?, limit: Int) async throws -> [EntryID]

    /// The entries of this synchronization, without those whose deletion is a problem.
    func summary() async throws -> SetSummary

    /// Which entries the directory has under other UUIDs than those of their IDs, by these UUIDs.
    func replaced(by uuids: [UUID]) async throws -> [UUID: EntryID]

    /// The UUIDs that the directory gives these entries now, where they are not those of their IDs.
    func replacements(of entries: [EntryID]) async throws -> [EntryID: UUID]

    /// Containers of this part of the directory, whichever stream asks, that have become known after the one with this
    /// number: each gets a number greater than all before it.
    ///
    /// - Returns: where they stand, and the newest one's number; the number given if there is none.
    func containers(after number: Int64) async throws -> (places: [Place], newest: Int64)
}

/// An entry whose place another one has, although it ought to be this one's.
public struct PlaceClaim: Hashable, Sendable {
    /// Who stands there.
    public struct Occupant: Hashable, Sendable {
        public var id: EntryID
        public var place: Place
        /// Whether the state has it that this one wants the place, too.
        public var isNoted: Bool

        public init(id: EntryID, place: Place, isNoted: Bool) {
            self.id = id
            self.place = place
            self.isNoted = isNoted
        }
    }

    public var id: EntryID
    /// Where it stands.
    public var place: Place
    public var wanted: Place
    /// Nil if nobody stands there any more.
    public var occupant: Occupant?

    public init(id: EntryID, place: Place, wanted: Place, occupant: Occupant?) {
        self.id = id
        self.place = place
        self.wanted = wanted
        self.occupant = occupant
    }
}
