import AddressBook
import Foundation
import IncrementalSync

/// A state that is gone with the process. It passes the conformance suite of the stored one.
public actor InMemorySynchronizationState: SynchronizationState {
    public nonisolated let tracksEntries = true

    private var storedCursor: Cursor?
    private var exchanged: [EntryID: ExchangeRecord] = [:]
    private var refreshes: [EntryID: RefreshID] = [:]
    private var emptied: [(organization: OrganizationID, counts: [Field: Int], at: Date)] = []
    private var deletions: [(organization: OrganizationID, at: Date)] = []
    /// All problems, by their entries.
    public private(set) var allProblems: [EntryID: Problem] = [:]
    /// What the collectors had recorded, in the order of the steps.
    public private(set) var appended: [Change] = []
    public private(set) var posted: [OutgoingMessage] = []
    /// The cursor that each step left, in their order.
    public private(set) var cursors: [Cursor?] = []
    /// The entries that each step recorded as imported, in their order; without the steps that recorded none.
    public private(set) var commits: [[EntryID]] = []

    public init() {}

    public func cursor() -> Cursor? { storedCursor }

    public func records(_ ids: [EntryID]) -> [EntryID: ExchangeRecord] {
        Dictionary(ids.compactMap { id in exchanged[id].map { (id, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    public func problems(_ ids: [EntryID]) -> [EntryID: Problem] {
        Dictionary(ids.compactMap { id in allProblems[id].map { (id, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    public func dueProblems(now: Date, limit: Int) -> [Problem] {
        let due = allProblems.values.compactMap { problem in problem.nextAttempt.map { (at: $0, problem: problem) } }
        return due.filter { $0.at <= now }.sorted { $0.at < $1.at }.prefix(limit).map(\.problem)
    }

    public func unseen(in refresh: RefreshID, limit: Int) -> [EntryID] {
        Array(allUnseen(in: refresh).prefix(limit))
    }

    public func unseenCounts(in refresh: RefreshID) -> [OrganizationID: Int] {
        Dictionary(allUnseen(in: refresh).map { ($0.organization, 1) }, uniquingKeysWith: +)
    }

    public func summary(seenIn refresh: RefreshID) -> SetSummary {
        SetSummary(exchanged.keys.filter { refreshes[$0] == refresh && allProblems[$0]?.isDeletion != true })
    }

    public func entryCount(of organization: OrganizationID) -> Int {
        exchanged.values.count { $0.id.organization == organization && $0.digest != nil }
    }

    public func deletionCount(of organization: OrganizationID, since: Date) -> Int {
        deletions.count { $0.organization == organization && $0.at > since }
    }

    public func emptiedCounts(of organization: OrganizationID, since: Date) -> [Field: Int] {
        emptied.filter { $0.organization == organization && $0.at > since }
            .reduce(into: [:]) { $0.merge($1.counts, uniquingKeysWith: +) }
    }

    public func commit(_ step: Step) {
        if !step.exchanged.isEmpty { commits.append(step.exchanged.map(\.id)) }
        storedCursor = step.cursor ?? storedCursor
        cursors.append(storedCursor)
        for id in step.seen where exchanged[id] != nil { refreshes[id] = step.refresh ?? refreshes[id] }
        for record in step.exchanged {
            exchanged[record.id] = record
            refreshes[record.id] = step.refresh ?? refreshes[record.id]
        }
        for id in step.deleted {
            exchanged[id] = nil
            refreshes[id] = nil
            if !step.uncounted.contains(id) { deletions.append((id.organization, step.now)) }
        }
        for (organization, counts) in step.emptied { emptied.append((organization, counts, step.now)) }
        for id in step.solved { allProblems[id] = nil }
        for problem in step.problems { allProblems[problem.id] = problem }
        appended += step.appended
        posted += step.posted
    }

    private func allUnseen(in refresh: RefreshID) -> [EntryID] {
        exchanged.keys.filter { refreshes[$0] != refresh && allProblems[$0]?.isDeletion != true }.sorted()
    }
}
