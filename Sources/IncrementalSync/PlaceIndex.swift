import AddressBook

/// Where entries stand in one directory, as all the synchronizations that read or write it have recorded it.
public protocol PlaceIndex: Sendable {
    /// What is known to stand at the places with these keys.
    func entries(at keys: [String]) async throws -> [String: KnownEntry]

    /// Which of the entries the asking synchronization has recorded: another one of the same directory may know the rest.
    func recorded(_ entries: [EntryID]) async throws -> Set<EntryID>

    /// Where entries stand; those that are not known to be there are left out.
    func places(of entries: [EntryID]) async throws -> [EntryID: Place]

    /// Entries of this synchronization whose content was made from something that is not so any more.
    ///
    /// - Parameter after: entries after this one, in the order of their IDs.
    func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID]
}
