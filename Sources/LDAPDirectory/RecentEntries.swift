import IncrementalSync

/// Entries that a search has found and that the state may not have yet, by the keys of their places: those of the batch
/// that is being read and of the one that is being imported meanwhile. So an entry that names one of them need not be
/// read again.
struct RecentEntries {
    private var current: [String: KnownEntry] = [:]
    private var previous: [String: KnownEntry] = [:]

    /// How many are kept at least: a batch.
    private static let countMin = ContentSyncFeed.batchSize

    subscript(key: String) -> KnownEntry? { current[key] ?? previous[key] }

    /// The next batch is about to be read.
    mutating func beginBatch() {
        guard current.count >= Self.countMin else { return }
        previous = current
        current = Dictionary(minimumCapacity: Self.countMin)
    }

    mutating func note(_ entry: KnownEntry, at key: String) { current[key] = entry }
}
