import AddressBook
import IncrementalSync

/// A log as collector: every change that is news gets a number, in the transaction that records its step. The master
/// database collects what the organizations send, a requestor's journal what its directory shows.
public struct LogCollector: Collector {
    let log: ChangeLog
    let owner: OrganizationID
    let entryBytesMax: Int

    /// - Parameters:
    ///   - owner: whose entries these may be: an organization may change only its own.
    ///   - entryBytesMax: a larger entry could not travel in any message, and everything after it would wait.
    public init(_ log: ChangeLog, owner: OrganizationID, entryBytesMax: Int) {
        self.log = log
        self.owner = owner
        self.entryBytesMax = entryBytesMax
    }

    public func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        let digests = try await log.digests(changes.filter { !Self.isNews($0) }.map(\.id))
        var result = ImportResult(outcomes: [])
        for offered in changes {
            let change = offered.change
            if change.id.organization != owner {
                result.outcomes.append(.refused(reason: "it is an entry of another organization"))
            } else if let size = change.entry?.valueBytes, size > entryBytesMax {
                result.outcomes.append(
                    .refused(reason: "its values are \(size) bytes, more than the \(entryBytesMax) that can travel"))
            } else if Self.isNews(offered) || Self.isNews(offered, digests[change.id]) {
                result.outcomes.append(.imported(nil))
                result.appended.append(change)
            } else {
                result.outcomes.append(.unchanged(nil))
            }
        }
        return result
    }

    /// An entry that another log has numbered is news whatever this log shows: this log may have been restored from a backup,
    /// and others may have from it what came after.
    private static func isNews(_ offered: OfferedChange) -> Bool {
        offered.number != nil && offered.change.entry != nil
    }

    private static func isNews(_ offered: OfferedChange, _ known: EntryDigest??) -> Bool {
        guard let known else { return offered.change.entry != nil || offered.number != nil }
        guard let entry = offered.change.entry else { return known != nil }
        return known != entry.digest
    }
}
