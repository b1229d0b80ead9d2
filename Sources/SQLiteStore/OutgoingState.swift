import AddressBook
import Foundation
import IncrementalSync

/// The state of a synchronization with a remote site as destination. What the site has is what it says it has: the
/// cursor is the position that it stated. A step only posts messages.
public struct OutgoingState: SynchronizationState {
    let store: ServiceStore
    let start: IncrementalSync.Cursor

    /// - Parameter start: the number up to which the remote site has the log.
    public init(store: ServiceStore, after start: Int64) {
        self.store = store
        self.start = IncrementalSync.Cursor(number: start)
    }

    public var tracksEntries: Bool { false }

    public func cursor() async throws -> IncrementalSync.Cursor? { start }

    public func commit(_ step: Step) async throws {
        guard !step.posted.isEmpty else { return }
        try await store.write { db in try Outbox.append(step.posted, now: step.now, in: db) }
    }

    public func records(_ ids: [EntryID]) async throws -> [EntryID: ExchangeRecord] { [:] }
    public func problems(_ ids: [EntryID]) async throws -> [EntryID: Problem] { [:] }
    public func dueProblems(now: Date, limit: Int) async throws -> [Problem] { [] }
    public func unseen(in refresh: RefreshID, limit: Int) async throws -> [EntryID] { [] }
    public func unseenCounts(in refresh: RefreshID) async throws -> [OrganizationID: Int] { [:] }
    public func summary(seenIn refresh: RefreshID) async throws -> SetSummary { SetSummary() }
    public func entryCount(of organization: OrganizationID) async throws -> Int { 0 }
    public func deletionCount(of organization: OrganizationID, since: Date) async throws -> Int { 0 }
    public func emptiedCounts(of organization: OrganizationID, since: Date) -> [Field: Int] { [:] }
}
