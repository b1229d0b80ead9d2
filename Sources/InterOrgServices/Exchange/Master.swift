import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore

/// The service of the master organization: keeps the master database, answers the requestors, and lets its own
/// directory take part without mail.
public actor Master {
    private(set) var participant: Participant
    let members: [Member]
    /// Whether the own directory has been read in this life, and whether the others' entries in it have been looked through.
    private var hasExported = false
    private var hasAudited = true

    public init(
        organization: Organization, members: [Member], store: ServiceStore,
        directory: (any OrganizationDirectory)?, surroundings: Surroundings
    ) {
        self.participant = Participant(
            organization: organization, store: store, directory: directory, surroundings: surroundings)
        self.members = members
    }

    /// Begins a new life of the service. Called once, before anything else.
    ///
    /// - Parameter audits: whether what the database has is summed up anew, and the directory looked through.
    public func start(audits: Bool = false) async throws {
        try await participant.start(audits: audits)
        hasAudited = !audits
        try await participant.peers.learn(members.map(\.organization))
    }

    /// From now on so many deletions of each organization's entries pass the guard, until this is called with nil.
    func allowDeletions(_ count: Int?) { participant.allowDeletions(count) }

    // MARK: - The own directory

    /// Looks whether the directory has what of others it should have. What it has and the log has never had came after a backup
    /// that the log was restored from; everything else is put right by a comparison.
    public func auditDirectory() async throws {
        guard !hasAudited else { return }
        let survey = try await participant.surveyDirectory()
        if !survey.isAsKnown {
            let unknown = Array(survey.unknown.keys)
            if try await participant.log.digests(unknown).count < unknown.count { try await noteRestoration() }
            if try await isWhole() { try await participant.importAnew() }
        }
        hasAudited = true
    }

    /// Own directory → master database.
    public func exportDirectory() async throws -> ExportReport {
        let report = try await participant.exportDirectory()
        hasExported = hasExported || report.failures.isEmpty
        return report
    }

    /// Master database → own directory.
    public func importIntoDirectory() async throws -> SynchronizationReport {
        try await settleRestoration()
        // A state that was lost: what the directory has may be more than the log has.
        if try await participant.importState(.contents).cursor() == nil { hasAudited = false }
        try await auditDirectory()
        // Before that, what is missing from the log may be there at home.
        let refresh = try await isWhole() ? RefreshID(participant.surroundings.newID()) : nil
        let line = try await participant.log.line()
        let hierarchy = try await importing(.hierarchy, through: line.highest, refresh)
        let contents = try await importing(.contents, through: line.highest, refresh)
        guard let hierarchy, let contents else { return SynchronizationReport() }
        return try await Agent(hierarchy: hierarchy, contents: contents).synchronize()
    }

    private func importing(_ stream: ChangeStream, through: Int64, _ refresh: RefreshID?) async throws
        -> Synchronizer?
    {
        let state = try await participant.importState(stream)
        guard let collector = participant.directoryCollector(state) else { return nil }
        // What was deleted since cannot be told any more: it was long that nothing was imported.
        if let number = try await state.cursor()?.number, number < (try await participant.log.line().purgedThrough ?? 0)
        {
            try await state.forgetCursor()
        }
        let view = View(excluding: participant.organization.id)
        let source = LogSource(
            participant.log, stream, view: view, through: through, refresh: refresh)
        return participant.synchronizer(from: source, to: collector, state)
    }

    // MARK: - After a restored backup

    /// The log lacks what others have.
    private func noteRestoration() async throws {
        guard let life = try await participant.log.line().current else { return }
        let now = participant.surroundings.now()
        let known = try await restoration()
        var noted = known ?? Restoration(life: life, noticed: now)
        noted.noticed(in: life, now: now)
        if noted != known { try await participant.peers.save(noted, of: participant.organization.id) }
    }

    /// Whether the log lacks a life that a member knows, or what a member has of it.
    private func lacks(_ life: UUID?, _ have: PerStream<ReceivedPosition?>) async throws -> Bool {
        let line = try await participant.log.line()
        let positions = ChangeStream.allCases.compactMap { have[$0]?.position }
        let lives = [life].compactMap { $0 } + positions.map(\.incarnation)
        let ordinals = try await participant.log.ordinals(of: lives)
        return lives.contains { ordinals[$0] == nil }
            || positions.contains { position in
                // A line tells the newest lives alone.
                line.incarnations.contains { $0.id == position.incarnation } && !line.contains(position)
            }
    }

    /// When it was noticed last that a backup was restored, and whether everybody has been heard since.
    func restoration() async throws -> Restoration? {
        try await Self.restoration(of: participant.organization.id, in: participant.store)
    }

    static func restoration(of master: OrganizationID, in store: ServiceStore) async throws -> Restoration? {
        try await Peers(store: store).machine(of: master, as: Restoration.self)
    }

    /// Whether the log has everything that there is, as far as anybody knows.
    private func isWhole() async throws -> Bool { try await restoration()?.isOver ?? true }

    /// Who of these has told all of its log since it was noticed that a backup was restored.
    static func heard(_ members: [OrganizationID], since restoration: Restoration, in store: ServiceStore) async throws
        -> Set<OrganizationID>
    {
        var heardIn: [OrganizationID: UUID] = [:]
        for member in members {
            heardIn[member] = try await Peers(store: store).machine(of: member, as: MasterMachine.self)?.heardIn
        }
        let ordinals = try await ChangeLog(store: store).ordinals(of: Array(heardIn.values) + [restoration.life])
        guard let since = ordinals[restoration.life] else { return [] }
        return Set(heardIn.filter { ordinals[$0.value].map { $0 >= since } ?? false }.keys)
    }

    /// Once the log has everything again, the directory is compared with all of it.
    private func settleRestoration() async throws {
        guard var restoration = try await restoration(), !restoration.isOver else { return }
        let heard = try await Self.heard(members.map(\.id), since: restoration, in: participant.store)
        guard restoration.settle(heard: members.map { heard.contains($0.id) }, now: participant.surroundings.now())
        else { return }
        try await participant.importAnew()
        try await participant.peers.save(restoration, of: participant.organization.id)
    }

    // MARK: - The members

    private static let receivedPrefix = "receive/"

    /// What has come of a member. What comes of one that offers nothing is acknowledged and not kept, under another name,
    /// so that everything comes once that changes.
    private func states(of organization: OrganizationID, offers: Bool) async throws
        -> PerStream<StoredSynchronizationState>
    {
        let name = Self.stateName(organization, offers)
        return PerStream(
            hierarchy: try await StoredSynchronizationState.open(name, .hierarchy, in: participant.store),
            contents: try await StoredSynchronizationState.open(name, .contents, in: participant.store))
    }

    static func stateName(_ organization: OrganizationID, _ offers: Bool) -> String {
        (offers ? receivedPrefix : "discard/") + "\(organization)"
    }

    private func states(of member: Member) async throws -> PerStream<StoredSynchronizationState> {
        try await states(of: member.id, offers: member.offers)
    }

    /// The organizations that the master database has entries of, or had, because they offered them.
    private func offerers() async throws -> [OrganizationID] {
        try await StoredSynchronizationState.names(beginning: Self.receivedPrefix, in: participant.store).sorted()
            .compactMap { UUID(uuidString: String($0.dropFirst(Self.receivedPrefix.count))).map(OrganizationID.init) }
    }

    /// Takes back the entries of organizations that are members no more, or offer nothing any more. The deletion guard has
    /// its say.
    ///
    /// - Returns: what was done, by organization; those of which nothing is left are not in it.
    public func settleMembership() async throws -> [OrganizationID: SynchronizationReport] {
        var reports: [OrganizationID: SynchronizationReport] = [:]
        let offering = Set(members.filter(\.offers).map(\.id))
        for organization in try await offerers() where !offering.contains(organization) {
            let refresh = RefreshID(participant.surroundings.newID())
            let states = try await states(of: organization, offers: true)
            let collector = participant.collector(of: organization)
            // Contents first: what is in a container goes before it.
            for stream in [ChangeStream.contents, .hierarchy] {
                let synchronizer = participant.synchronizer(
                    from: EmptySource(refresh: refresh), to: collector, states[stream])
                let report = try await synchronizer.synchronize()
                reports[organization, default: SynchronizationReport()] =
                    (reports[organization] ?? SynchronizationReport()) + report
            }
            // Deletions that are held keep it alive until a person has decided.
            try await StoredSynchronizationState.forgetEmpty(
                Self.receivedPrefix + "\(organization)", in: participant.store)
            if !members.contains(where: { $0.id == organization }) {
                try await participant.peers.forgetMachine(of: organization)
            }
        }
        return reports
    }

    /// Tries again what the master database has not taken from the organizations: released deletions, above all.
    public func retryProblems() async throws -> SynchronizationReport {
        var report = SynchronizationReport()
        for organization in try await offerers() {
            let states = try await states(of: organization, offers: true)
            for stream in ChangeStream.allCases {
                let synchronizer = participant.synchronizer(
                    from: NoSource(), to: participant.collector(of: organization), states[stream])
                report = report + (try await synchronizer.retryProblems())
            }
        }
        return report
    }

    // MARK: - Mail

    /// Request mail → master database → reply mail.
    public func receive(_ message: ReceivedMessage) async throws -> Disposition {
        let header = message.header
        guard header.to == participant.organization.id else {
            return .refused(reason: "it is for organization \(header.to)")
        }
        guard let member = members.first(where: { $0.id == header.from.id }) else {
            return .refused(reason: "\(header.from.name) (\(header.from.id)) is none of exchange.requestors")
        }
        try await beginAnewIfAsked(member)
        let now = participant.surroundings.now()
        let states = try await states(of: member)
        var machine = try await machine(of: member)
        for action in machine.received(header, now: now, nonce: participant.surroundings.newID()) {
            switch action {
            case .drop(let reason):
                try await participant.peers.save(machine, of: member.id)
                return .refused(reason: reason)
            case .challenge(let request, let nonce):
                var letter = try await letter(.reply, request, to: member, from: header.have, states)
                letter.challenge = nonce
                try await participant.postHeader(of: letter)
                try await participant.peers.save(machine, of: member.id)
                return .done(SynchronizationReport())
            case .importRanges, .reply, .replyIfNews: continue
            }
        }
        let collector: any Collector = member.offers ? participant.collector(of: member.id) : DiscardingCollector()
        let imported = try await participant.importRanges(
            of: machine.endsTransfers(header) ? message : message.withoutEnds, states: states,
            collector: { _ in collector }, mayChange: { $0 == member.id })
        let divergent = try await participant.divergent(from: header, states, imported) { $0 == member.id }
        if machine.divergence.compared(divergent, now: now) {
            try await beginAnew(&machine, of: member)
        }
        let hasCome = try await participant.hasCome(header.line, states)
        machine.imported(header, hasCome: hasCome)
        try await participant.peers.save(machine, of: member.id)
        if hasCome { try await settleRestoration() }
        if let reason = imported.parked { return .parked(reason: reason) }
        return .done(imported.report)
    }

    /// A person wants everything of the member to be asked for anew.
    private func beginAnewIfAsked(_ member: Member) async throws {
        guard try await participant.peers.isAskedAnew(member.id) else { return }
        var machine = try await machine(of: member)
        machine.forgive()
        try await beginAnew(&machine, of: member)
        try await participant.peers.hasAskedAnew(member.id)
    }

    /// Everything of the member is asked for anew. The machine is saved before the positions go: with the positions alone, a
    /// message of before would be taken for all that there is.
    private func beginAnew(_ machine: inout MasterMachine, of member: Member) async throws {
        machine.beginAnew()
        try await participant.peers.save(machine, of: member.id)
        let states = try await states(of: member)
        for stream in ChangeStream.allCases { try await states[stream].forgetCursor() }
    }

    private func letter(
        _ kind: ExchangeHeader.Kind, _ request: RequestID, to member: Member, from have: PerStream<ReceivedPosition?>,
        _ states: PerStream<StoredSynchronizationState>
    ) async throws -> Letter {
        let received = try await participant.received(states)
        let isWhole = try await isWhole()
        return Letter(
            kind: kind, request: request, recipient: member.id, have: have, received: received, view: member.view,
            endsTransfers: isWhole && hasExported && hasAudited)
    }

    /// Master database → reply mail: to every request that has come whole, and again to those that stand, where there is
    /// something new and what was answered before is on its way. One member's trouble is in no other's way.
    ///
    /// - Returns: whether anything was posted.
    @discardableResult
    public func answer() async throws -> Bool {
        var hasPosted = false
        var failure: (any Error)?
        for member in members {
            do {
                hasPosted = try await answer(member) || hasPosted
            } catch let error as CancellationError {
                throw error
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return hasPosted
    }

    private func answer(_ member: Member) async throws -> Bool {
        var machine = try await machine(of: member)
        let letter: Letter
        let states = try await states(of: member)
        switch machine.answer(now: participant.surroundings.now()) {
        case .reply(let request, let have):
            if try await lacks(machine.knownLife, have) { try await noteRestoration() }
            letter = try await self.letter(.reply, request, to: member, from: have, states)
        case .replyIfNews(let request, let have):
            let numbers = ChangeStream.allCases.map { have[$0]?.position.number ?? 0 }
            guard try await Outbox(store: participant.store).isEmpty(for: member.id),
                try await participant.log.hasChanges(after: numbers.min() ?? 0, view: member.view)
            else { return false }
            letter = try await self.letter(.reply, request, to: member, from: have, states)
        case .importRanges, .drop, .challenge, nil: return false
        }
        machine.replied(through: try await participant.post(letter), now: participant.surroundings.now())
        try await participant.peers.save(machine, of: member.id)
        return true
    }

    /// Forgets the tombstones that all living members have, and the own directory.
    ///
    /// - Parameter silence: who has not been heard for so long, in seconds, is not waited for; it gets everything anew.
    public func purgeTombstones(silence: TimeInterval) async throws {
        let line = try await participant.log.line()
        let now = participant.surroundings.now()
        var through = line.highest
        for member in members {
            let machine = try await machine(of: member)
            guard let heard = machine.lastHeard, now.timeIntervalSince(heard) < silence else { continue }
            for stream in ChangeStream.allCases {
                // Who cannot be gone on for gets everything anew, and needs no tombstones.
                guard let position = machine.have[stream], line.continues(position, view: member.view.version) else {
                    continue
                }
                through = min(through, position.position.number)
            }
        }
        if participant.directory?.imports == true {
            for stream in ChangeStream.allCases {
                through = min(through, try await participant.importState(stream).cursor()?.number ?? 0)
            }
        }
        try await participant.log.purgeTombstones(through: through)
    }

    private func machine(of member: Member) async throws -> MasterMachine {
        try await participant.peers.machine(of: member.id, as: MasterMachine.self) ?? MasterMachine()
    }
}
