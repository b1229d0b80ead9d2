import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore

/// The directory of an organization, as its service uses it.
public protocol OrganizationDirectory: Sendable {
    /// The parts that are exported, each under a name that stays the same.
    var exports: [String] { get }

    /// Whether entries of others are imported.
    var imports: Bool { get }

    /// What the written form of an entry depends on besides the entry: under other rules, all are written anew.
    var importRules: String { get }

    /// Looks whether everything is there that will be needed, so that what is missing is said at the start.
    func check() async throws

    /// One stream of an exported part.
    func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource

    /// Waits until something has changed in a stream of an exported part since the cursor, or may have; false at once if
    /// the server cannot tell.
    func awaitChange(_ export: String, _ stream: ChangeStream, index: any PlaceIndex, after cursor: Cursor?)
        async throws
        -> Bool

    /// The receiving side; nil if nothing is imported.
    func collector(
        index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) -> (any Collector)?
}

extension OrganizationDirectory {
    public var importRules: String { "" }

    public func awaitChange(
        _ export: String, _ stream: ChangeStream, index: any PlaceIndex, after cursor: Cursor?
    ) async throws -> Bool { false }
}

/// Time, randomness and limits that a service is given, so that the same code runs under the simulator.
public struct Surroundings: Sendable {
    public var now: @Sendable () -> Date
    public var newID: @Sendable () -> UUID
    public var pauses: Pauses
    public var deletionGuard: DeletionGuard
    /// How large the NDJSON of one message may be, in bytes.
    public var payloadBytesMax: Int
    /// What is said of this side to the others.
    public var capabilities: Capabilities?

    public init(
        now: @escaping @Sendable () -> Date, newID: @escaping @Sendable () -> UUID, pauses: Pauses,
        deletionGuard: DeletionGuard, payloadBytesMax: Int, capabilities: Capabilities? = nil
    ) {
        self.now = now
        self.newID = newID
        self.pauses = pauses
        self.deletionGuard = deletionGuard
        self.payloadBytesMax = payloadBytesMax
        self.capabilities = capabilities
    }
}

/// What master and requestors have in common: a directory, a log, and the synchronizations between them and with the
/// logs of others.
struct Participant: Sendable {
    let organization: Organization
    let store: ServiceStore
    let directory: (any OrganizationDirectory)?
    var surroundings: Surroundings

    var log: ChangeLog { ChangeLog(store: store) }
    var peers: Peers { Peers(store: store) }

    /// Begins a new life. Called once, before anything else.
    ///
    /// - Parameter audits: whether what there is is summed up anew, for the comparison with the other side.
    func start(audits: Bool) async throws {
        if audits { try await store.auditSums() }
        try await log.beginIncarnation(id: surroundings.newID())
        try await peers.learn([organization])
        guard let directory, directory.imports else { return }
        for stream in ChangeStream.allCases {
            try await importState(stream).follow(rules: directory.importRules)
        }
    }

    /// From now on so many deletions of each organization's entries pass the guard in each synchronization, until this is
    /// called with nil.
    mutating func allowDeletions(_ count: Int?) {
        surroundings.deletionGuard.allowance = count.map { .init(count: $0, since: surroundings.now()) }
    }

    // MARK: - The directory

    /// Directory → log: numbers what has changed at home. A part that cannot be read is in no other's way.
    func exportDirectory() async throws -> ExportReport {
        var report = ExportReport()
        guard let directory else { return report }
        for export in directory.exports {
            do {
                report.done =
                    report.done
                    + (try await synchronizeExport(export) { stream, state in
                        directory.source(export, stream, index: state.sourceIndex)
                    })
            } catch let error as CancellationError {
                throw error
            } catch {
                report.failures.append(error)
            }
        }
        // An entry of a part that is not exported any more may be in one that has not been read.
        guard report.failures.isEmpty else { return report }
        let known = try await StoredSynchronizationState.names(beginning: Self.exportPrefix, in: store)
        for name in known.subtracting(directory.exports.map { Self.exportPrefix + $0 }).sorted() {
            let refresh = RefreshID(surroundings.newID())
            report.done =
                report.done
                + (try await synchronizeExport(String(name.dropFirst(Self.exportPrefix.count))) { _, _ in
                    EmptySource(refresh: refresh)
                })
            // Deletions that are held keep it alive until a person has decided.
            try await StoredSynchronizationState.forgetEmpty(name, in: store)
        }
        return report
    }

    /// Waits until something has changed in an exported part since it was last read, or may have; false at once if no
    /// server can tell.
    func awaitChange() async throws -> Bool {
        guard let directory else { return false }
        var watched: [(export: String, state: StoredSynchronizationState, cursor: Cursor?)] = []
        for export in directory.exports {
            for stream in ChangeStream.allCases {
                let state = try await exportState(export, stream)
                watched.append((export, state, try await state.cursor()))
            }
        }
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            for part in watched {
                group.addTask {
                    try await directory.awaitChange(
                        part.export, part.state.stream, index: part.state.sourceIndex, after: part.cursor)
                }
            }
            defer { group.cancelAll() }
            while let hasChanged = try await group.next() {
                if hasChanged { return true }
            }
            return false
        }
    }

    static let exportPrefix = "export/"
    /// A service has one directory.
    private static let directoryName = "directory"

    func exportState(_ export: String, _ stream: ChangeStream) async throws -> StoredSynchronizationState {
        try await StoredSynchronizationState.open(
            Self.exportPrefix + export, stream, SynchronizationEnds(source: Self.directoryName), in: store)
    }

    private func synchronizeExport(
        _ export: String, source: (ChangeStream, StoredSynchronizationState) -> any ChangeSource
    ) async throws -> SynchronizationReport {
        var pair: [Synchronizer] = []
        for stream in [ChangeStream.hierarchy, .contents] {
            let state = try await exportState(export, stream)
            pair.append(synchronizer(from: source(stream, state), to: collector(of: organization.id), state))
        }
        return try await Agent(hierarchy: pair[0], contents: pair[1]).synchronize()
    }

    /// The state that tells what of others stands in the directory. Where nothing is imported it is another one, so that
    /// everything comes once that changes.
    func importState(_ stream: ChangeStream) async throws -> StoredSynchronizationState {
        let name = Self.importState(imports: directory?.imports == true)
        return try await StoredSynchronizationState.open(
            name, stream, SynchronizationEnds(destination: Self.directoryName), in: store)
    }

    static func importState(imports: Bool) -> String { imports ? "import" : "discard" }

    /// How the entries of others in the directory differ from those that the state knows. After one of them was restored, or
    /// lost, only a reading of everything puts that right.
    func surveyDirectory() async throws -> DestinationSurvey {
        let state = try await importState(.contents)
        return try await directoryCollector(state)?.survey() ?? DestinationSurvey()
    }

    /// Everything of others is asked for anew, and compared with the directory.
    func importAnew() async throws {
        for stream in ChangeStream.allCases { try await importState(stream).forgetCursor() }
    }

    /// The directory as collector of what others have; nil if it takes nothing.
    func directoryCollector(_ state: StoredSynchronizationState) -> (any Collector)? {
        let peers = peers
        return directory?.collector(index: state.destinationIndex) { id in try await peers.names()[id] }
    }

    /// The collector of what others have, whether the organization imports it or not.
    func importCollector(_ state: StoredSynchronizationState) -> any Collector {
        directoryCollector(state) ?? DiscardingCollector()
    }

    // MARK: - The log

    /// The log as collector of an organization's entries.
    func collector(of owner: OrganizationID) -> LogCollector {
        LogCollector(log, owner: owner, entryBytesMax: surroundings.payloadBytesMax / 8)
    }

    func synchronizer(
        from source: any ChangeSource, to collector: any Collector, _ state: any SynchronizationState
    ) -> Synchronizer {
        // Where nothing is kept there is nothing to protect.
        let keeps = !(collector is DiscardingCollector)
        return Synchronizer(
            from: source, to: collector, state: state,
            deletionGuard: keeps ? surroundings.deletionGuard : .none, now: surroundings.now)
    }
}

/// What came of exporting all parts of a directory.
public struct ExportReport: Sendable {
    public var done = SynchronizationReport()
    /// Why parts could not be read.
    public var failures: [any Error] = []
}

/// A part of the directory that the configuration does not name any more: all that it had is gone from the exchange.
struct EmptySource: ChangeSource {
    let refresh: RefreshID

    func read(after cursor: Cursor?) async throws -> any ChangeReader { Reader(refresh: refresh) }

    private actor Reader: ChangeReader {
        private let refresh: RefreshID
        private var isRead = false

        init(refresh: RefreshID) {
            self.refresh = refresh
        }

        func next() -> ChangeBatch? {
            guard !isRead else { return nil }
            isRead = true
            // No cursor of before may tell a later reading that nothing is new.
            return ChangeBatch(
                observations: [], cursor: Cursor(bytes: []), refresh: refresh, completesRefresh: true)
        }
    }
}

/// The receiving side of an organization that takes nothing: what comes is acknowledged, so that it does not come again.
struct DiscardingCollector: Collector {
    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        ImportResult(outcomes: changes.map { _ in .imported(nil) })
    }
}
