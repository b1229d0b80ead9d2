import AddressBook
import Foundation
import IncrementalSync
import Synchronization

/// Fails one call among all that the adapters of a synchronization get.
public final class Faults: Sendable {
    /// When a call fails: before it had its effect, or after it.
    public enum Phase: Sendable, CaseIterable {
        case before, after
    }

    /// The call that was to fail.
    public struct Failure: Error {
        public init() {}
    }

    private let failing: (call: Int, phase: Phase)
    private let count = Mutex(0)

    /// - Parameter call: counted from 1.
    public init(call: Int, _ phase: Phase) {
        self.failing = (call, phase)
    }

    /// Whether the call that was to fail has come.
    public var hasFailed: Bool { count.withLock { $0 >= failing.call } }

    func perform<Result>(_ body: () async throws -> Result) async throws -> Result {
        let call = count.withLock { count in
            count += 1
            return count
        }
        guard call == failing.call else { return try await body() }
        if failing.phase == .after { _ = try await body() }
        throw Failure()
    }
}

/// A source whose calls may fail.
public struct FaultySource: ChangeSource {
    let source: any ChangeSource
    let faults: Faults

    public init(_ source: any ChangeSource, _ faults: Faults) {
        self.source = source
        self.faults = faults
    }

    public func read(after cursor: Cursor?) async throws -> any ChangeReader {
        FaultyReader(reader: try await faults.perform { try await source.read(after: cursor) }, faults: faults)
    }
}

private struct FaultyReader: ChangeReader {
    let reader: any ChangeReader
    let faults: Faults

    func next() async throws -> ChangeBatch? { try await faults.perform { try await reader.next() } }
}

/// A collector whose calls may fail.
public struct FaultyCollector: Collector {
    let collector: any Collector
    let faults: Faults
    let failsFinish: Bool

    /// - Parameter failsFinish: whether its end may fail as well.
    public init(_ collector: any Collector, _ faults: Faults, failsFinish: Bool = true) {
        self.collector = collector
        self.faults = faults
        self.failsFinish = failsFinish
    }

    public func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        try await faults.perform { try await collector.importChanges(changes) }
    }

    public func finish() async throws -> ImportResult {
        guard failsFinish else { return try await collector.finish() }
        return try await faults.perform { try await collector.finish() }
    }
}

/// A state whose calls may fail.
public struct FaultyState: SynchronizationState {
    let state: any SynchronizationState
    let faults: Faults

    public init(_ state: any SynchronizationState, _ faults: Faults) {
        self.state = state
        self.faults = faults
    }

    public var tracksEntries: Bool { state.tracksEntries }

    public func cursor() async throws -> Cursor? { try await faults.perform { try await state.cursor() } }

    public func records(_ ids: [EntryID]) async throws -> [EntryID: ExchangeRecord] {
        try await faults.perform { try await state.records(ids) }
    }

    public func problems(_ ids: [EntryID]) async throws -> [EntryID: Problem] {
        try await faults.perform { try await state.problems(ids) }
    }

    public func dueProblems(now: Date, limit: Int) async throws -> [Problem] {
        try await faults.perform { try await state.dueProblems(now: now, limit: limit) }
    }

    public func unseen(in refresh: RefreshID, limit: Int) async throws -> [EntryID] {
        try await faults.perform { try await state.unseen(in: refresh, limit: limit) }
    }

    public func unseenCounts(in refresh: RefreshID) async throws -> [OrganizationID: Int] {
        try await faults.perform { try await state.unseenCounts(in: refresh) }
    }

    public func summary(seenIn refresh: RefreshID) async throws -> SetSummary {
        try await faults.perform { try await state.summary(seenIn: refresh) }
    }

    public func entryCount(of organization: OrganizationID) async throws -> Int {
        try await faults.perform { try await state.entryCount(of: organization) }
    }

    public func deletionCount(of organization: OrganizationID, since: Date) async throws -> Int {
        try await faults.perform { try await state.deletionCount(of: organization, since: since) }
    }

    public func emptiedCounts(of organization: OrganizationID, since: Date) async throws -> [Field: Int] {
        try await faults.perform { try await state.emptiedCounts(of: organization, since: since) }
    }

    public func commit(_ step: Step) async throws { try await faults.perform { try await state.commit(step) } }
}
