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
    /// Whether the directory has been read in this life. Until then the journal may be older than it, restored from a backup.
    private var hasExported = false
    /// Whether the others' entries in the directory have been looked through.
    private var hasAudited = true

    public init(
        organization: Organization, master: Organization, store: ServiceStore, directory: (any OrganizationDirectory)?,
        surroundings: Surroundings
    ) {
        self.participant = Participant(
            organization: organization, store: store, directory: directory, surroundings: surroundings)
        self.master = master
    }

    /// Begins a new life of the service. Called once, before anything else.
    ///
    /// - Parameter audits: whether what the database has is summed up anew, and the directory looked through.
    public func start(audits: Bool = false) async throws {
        try await participant.start(audits: audits)
        hasAudited = !audits
        var machine = try await machine()
        machine.restarted()
        try await participant.peers.save(machine, of: master.id)
    }

    /// From now on so many deletions of each organization's entries pass the guard, until this is called with nil.
    func allowDeletions(_ count: Int?) { participant.allowDeletions(count) }

    /// Looks whether the directory has what of others it should have; if not, everything is asked for anew.
    public func auditDirectory() async throws {
        guard !hasAudited else { return }
        if try await !participant.surveyDirectory().isAsKnown {
            var machine = try await machine()
            try await beginAnew(&machine)
        }
        hasAudited = true
    }

    /// Everything is asked for anew. The machine is saved before the positions go: with the positions alone, a message of
    /// before would be taken for all that there is.
    private func beginAnew(_ machine: inout RequestorMachine) async throws {
        machine.beginAnew()
        try await participant.peers.save(machine, of: master.id)
        try await participant.importAnew()
    }

    private func beginAnewIfAsked() async throws {
        guard try await participant.peers.isAskedAnew(master.id) else { return }
        var machine = try await machine()
        try await beginAnew(&machine)
        try await participant.peers.hasAskedAnew(master.id)
    }

    /// Directory → journal.
    public func exportDirectory() async throws -> ExportReport {
        let report = try await participant.exportDirectory()
        hasExported = hasExported || report.failures.isEmpty
        return report
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

    /// Journal → request mail, at its time on the schedule.
    ///
    /// - Parameter standing: for how long the request stands, in seconds; nil: it does not.
    /// - Returns: the number of the request; nil if the last one is just being answered.
    public func request(standing: Int? = nil) async throws -> Int64? {
        let now = participant.surroundings.now()
        return try await act(standing: standing) { $0.scheduled(now: now, nonce: $1) }
    }

    /// Journal → request mail, where the schedule asks for none: the reply is overdue, or something of it is missing.
    public func requestIfDue(standing: Int? = nil) async throws -> Int64? {
        let now = participant.surroundings.now()
        return try await act(standing: standing) { $0.asked(now: now, nonce: $1) }
    }

    /// Whether the last request still stands.
    public func stands(_ seconds: Int?) async throws -> Bool {
        guard let seconds else { return false }
        return try await machine().stands(seconds, now: participant.surroundings.now())
    }

    /// Whether the master has been silent for more than one request: it is asked again when that is due.
    public func isOverdue() async throws -> Bool {
        try await machine().isOverdue(now: participant.surroundings.now())
    }

    /// When the next request is due that no schedule asks for.
    public func due() async throws -> Date? { try await machine().due(now: participant.surroundings.now()) }

    private func act(
        standing: Int?, _ event: (inout RequestorMachine, UUID) -> [RequestorMachine.Action]
    ) async throws -> Int64? {
        try await beginAnewIfAsked()
        var machine = try await machine()
        var number: Int64?
        for action in event(&machine, participant.surroundings.newID()) {
            guard case .postRequest(let request) = action else { continue }
            try await participant.peers.save(machine, of: master.id)
            try await post(request, machine, standing: standing)
            number = request.number
        }
        return number
    }

    private func post(_ request: RequestID, _ machine: RequestorMachine, standing: Int?) async throws {
        let received = try await participant.received(states())
        let letter = Letter(
            kind: .request, request: request, recipient: master.id, have: machine.acknowledged, received: received,
            challengeAnswer: machine.challenge, heard: hasExported ? machine.masterLife : nil, standing: standing,
            endsTransfers: hasExported)
        let participant = participant
        _ = try await participant.post(letter)
    }

    /// Reply mail → directory.
    ///
    /// - Parameter standing: for how long a request stands that this leads to.
    public func receive(_ message: ReceivedMessage, standing: Int? = nil) async throws -> Disposition {
        let header = message.header
        guard header.to == participant.organization.id else {
            return .refused(reason: "it is for organization \(header.to)")
        }
        if ChangeStream.allCases.contains(where: { header.ranges[$0] != nil }) { try await auditDirectory() }
        try await beginAnewIfAsked()
        let now = participant.surroundings.now()
        var machine = try await machine()
        let actions = machine.received(header, from: master.id, now: now, nonce: participant.surroundings.newID())
        for action in actions {
            switch action {
            case .drop(let reason): return .refused(reason: reason)
            case .postRequest(let request):
                try await participant.peers.save(machine, of: master.id)
                try await post(request, machine, standing: standing)
            case .importRanges: continue
            }
        }
        guard actions.contains(.importRanges) else { return .done(SynchronizationReport()) }
        try await participant.peers.learn(header.organizations)
        let own = participant.organization.id
        let participant = participant
        let states = try await states()
        let imported = try await participant.importRanges(
            of: machine.endsTransfers(header) ? message : message.withoutEnds, states: states,
            collector: { participant.importCollector($0) },
            mayChange: { $0 != own })
        let divergent = try await participant.divergent(from: header, states, imported) { $0 != own }
        machine.imported(header, isParked: imported.parked != nil, now: now)
        if machine.compared(divergent, now: now) { try await beginAnew(&machine) }
        try await participant.peers.save(machine, of: master.id)
        if let reason = imported.parked { return .parked(reason: reason) }
        return .done(imported.report)
    }

    /// Forgets the tombstones that the master has.
    public func purgeTombstones() async throws {
        let machine = try await machine()
        let line = try await participant.log.line()
        var through = line.highest
        for stream in ChangeStream.allCases {
            guard let position = machine.acknowledged[stream], line.continues(position, view: nil) else { return }
            through = min(through, position.position.number)
        }
        try await participant.log.purgeTombstones(through: through)
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
