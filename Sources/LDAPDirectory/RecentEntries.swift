import IncrementalSync

/// Entries that a search has found and that the state may not have yet, by the keys of their places: those of the batch
/// that is being read, of the one that is being imported meanwhile, and of the one that is being committed. So an entry
/// that names one of them need not be read again.
struct RecentEntries {
    /// The newest first.
    private var batches: [[String: KnownEntry]] = [[:]]

    private static let batchesMax = 3
    /// A batch that has fewer does not push another one out.
    private static let countMin = ContentSyncFeed.batchSize

    subscript(key: String) -> KnownEntry? {
        for batch in batches {
            if let entry = batch[key] { return entry }
        }
        return nil
    }

    /// The next batch is about to be read.
    mutating func beginBatch() {
        guard batches[0].count >= Self.countMin else { return }
        if batches.count == Self.batchesMax { batches.removeLast() }
        batches.insert(Dictionary(minimumCapacity: Self.countMin), at: 0)
    }

    mutating func note(_ entry: KnownEntry, at key: String) { batches[0][key] = entry }
}
