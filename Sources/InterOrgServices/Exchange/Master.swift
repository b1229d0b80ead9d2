import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore

/// The service of the master organization: keeps the master database, answers the requestors, and lets its own
/// directory take part without mail.
public actor Master {
    private(set) var participant: Participant
    let requestors: [Organization]

    public init(
        organization: Organization, requestors: [Organization], store: ServiceStore,
        directory: (any OrganizationDirectory)?, surroundings: Surroundings
    ) {
        self.participant = Participant(
            organization: organization, store: store, directory: directory, surroundings: surroundings)
        self.requestors = requestors
    }

    /// Begins a new life of the service. Called once, before anything else.
    public func start() async throws {
        try await participant.start()
        try await participant.peers.learn(requestors)
    }

    /// From now on so many deletions of each organization's entries pass the guard, until this is called with nil.
    func allowDeletions(_ count: Int?) { participant.allowDeletions(count) }

    /// Own directory → master database.
    public func exportDirectory() async throws -> ExportReport {
        try await participant.exportDirectory()
    }

    /// Master database → own directory.
    public func importIntoDirectory() async throws -> SynchronizationReport {
        let line = try await participant.log.line()
        let hierarchy = try await importing(.hierarchy, through: line.highest)
        let contents = try await importing(.contents, through: line.highest)
        guard let hierarchy, let contents else { return SynchronizationReport() }
        return try await Agent(hierarchy: hierarchy, contents: contents).synchronize()
    }

    private func importing(_ stream: ChangeStream, through: Int64) async throws -> Synchronizer? {
        let state = try await participant.importState(stream)
        guard let collector = participant.directoryCollector(state) else { return nil }
        let source = LogSource(participant.log, stream, excluding: participant.organization.id, through: through)
        return participant.synchronizer(from: source, to: collector, state)
    }

    /// Tries again what the master database has not taken from the requestors: released deletions, above all.
    public func retryProblems() async throws -> SynchronizationReport {
        var report = SynchronizationReport()
        for requestor in requestors {
            let states = try await states(of: requestor.id)
            for stream in ChangeStream.allCases {
                let synchronizer = participant.synchronizer(
                    from: NoSource(), to: participant.collector(of: requestor.id), states[stream])
                report = report + (try await synchronizer.retryProblems())
            }
        }
        return report
    }

    /// Request mail → master database → reply mail.
    ///
    /// - Parameter wasParked: the message waited for another one, and is tried again.
    public func receive(_ message: ReceivedMessage, wasParked: Bool = false) async throws -> Disposition {
        let header = message.header
        guard header.to == participant.organization.id else {
            return .refused(reason: "it is for organization \(header.to)")
        }
        guard let requestor = requestors.first(where: { $0.id == header.from.id }) else {
            return .refused(reason: "\(header.from.name) (\(header.from.id)) is none of exchange.requestors")
        }
        let now = participant.surroundings.now()
        var machine = try await machine(of: requestor.id)
        for action in machine.received(header, wasParked: wasParked, now: now) {
            if case .drop(let reason) = action { return .refused(reason: reason) }
        }
        let participant = participant
        let imported = try await participant.importRanges(
            of: message, states: states(of: requestor.id), collector: { _ in participant.collector(of: requestor.id) },
            mayChange: { $0 == requestor.id })
        for action in machine.imported(header, now: now) {
            guard case .reply(let request, let have) = action else { continue }
            try await participant.post(
                .reply, request, to: requestor.id, from: have,
                received: participant.received(states(of: requestor.id)), excluding: requestor.id)
        }
        try await participant.peers.save(machine, of: requestor.id)
        if let reason = imported.parked { return .parked(reason: reason) }
        return .done(imported.report)
    }

    private func machine(of requestor: OrganizationID) async throws -> MasterMachine {
        try await participant.peers.machine(of: requestor, as: MasterMachine.self) ?? MasterMachine()
    }

    private func states(of requestor: OrganizationID) async throws -> PerStream<StoredSynchronizationState> {
        let name = "receive/\(requestor)"
        return PerStream(
            hierarchy: try await StoredSynchronizationState.open(name, .hierarchy, in: participant.store),
            contents: try await StoredSynchronizationState.open(name, .contents, in: participant.store))
    }
}
