import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore

/// What became of a message.
public enum Disposition: Sendable {
    case done(SynchronizationReport)
    /// It waits for another message.
    case parked(reason: String)
    /// It is not for us, or nothing that we can use.
    case refused(reason: String)
    /// It is a mail system's or an answering machine's: shown, and never answered.
    case notice(RefusedMail.Kind, reason: String)
}

/// The service of a branch organization: exports its directory's changes to the master and imports everybody else's.
public actor Requestor {
    private(set) var participant: Participant
    let master: Organization

    public init(
        organization: Organization, master: Organization, store: ServiceStore, directory: (any OrganizationDirectory)?,
        surroundings: Surroundings
    ) {
        self.participant = Participant(
            organization: organization, store: store, directory: directory, surroundings: surroundings)
        self.master = master
    }

    /// Begins a new life of the service. Called once, before anything else.
    public func start() async throws {
        try await participant.start()
        var machine = try await machine()
        machine.restarted()
        try await participant.peers.save(machine, of: master.id)
    }

    /// From now on so many deletions of each organization's entries pass the guard, until this is called with nil.
    func allowDeletions(_ count: Int?) { participant.allowDeletions(count) }

    /// Directory → journal.
    public func exportDirectory() async throws -> ExportReport {
        try await participant.exportDirectory()
    }

    /// Tries again what the directory could not take.
    public func retryProblems() async throws -> SynchronizationReport {
        var report = SynchronizationReport()
        for stream in ChangeStream.allCases + [.hierarchy] {
            let state = try await participant.importState(stream)
            let synchronizer = participant.synchronizer(
                from: NoSource(), to: participant.importCollector(state), state)
            report = report + (try await synchronizer.synchronize())
        }
        return report
    }

    /// Journal → request mail, if one is due.
    ///
    /// - Returns: the number of the request; nil if the last one is just being answered.
    public func request() async throws -> Int64? {
        var machine = try await machine()
        let surroundings = participant.surroundings
        for action in machine.scheduled(now: surroundings.now(), nonce: surroundings.newID()) {
            guard case .postRequest(let request) = action else { continue }
            try await participant.peers.save(machine, of: master.id)
            try await participant.post(
                .request, request, to: master.id, from: machine.acknowledged,
                received: participant.received(states()), excluding: nil)
            return request.number
        }
        return nil
    }

    /// Reply mail → directory.
    public func receive(_ message: ReceivedMessage) async throws -> Disposition {
        let header = message.header
        guard header.to == participant.organization.id else {
            return .refused(reason: "it is for organization \(header.to)")
        }
        var machine = try await machine()
        for action in machine.received(header, from: master.id, now: participant.surroundings.now()) {
            if case .drop(let reason) = action { return .refused(reason: reason) }
        }
        try await participant.peers.learn(header.organizations)
        let own = participant.organization.id
        let participant = participant
        let imported = try await participant.importRanges(
            of: message, states: states(), collector: { participant.importCollector($0) },
            mayChange: { $0 != own })
        machine.imported(header)
        try await participant.peers.save(machine, of: master.id)
        if let reason = imported.parked { return .parked(reason: reason) }
        return .done(imported.report)
    }

    /// Whether a request has been posted that has not been answered.
    public func isWaiting() async throws -> Bool { try await machine().isWaiting }

    private func machine() async throws -> RequestorMachine {
        try await participant.peers.machine(of: master.id, as: RequestorMachine.self) ?? RequestorMachine()
    }

    private func states() async throws -> PerStream<StoredSynchronizationState> {
        PerStream(
            hierarchy: try await participant.importState(.hierarchy),
            contents: try await participant.importState(.contents))
    }
}

/// A source with nothing in it: a synchronization from it only tries problems again.
struct NoSource: ChangeSource, ChangeReader {
    func read(after cursor: Cursor?) async throws -> any ChangeReader { self }
    func next() async throws -> ChangeBatch? { nil }
}
