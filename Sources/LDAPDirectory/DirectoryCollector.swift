import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// A directory as collector. Entries live below the import base, where the placement says.
///
/// The stamp in an entry is the truth about whose it is; the recorded place only tells where to look first. So an
/// import that was interrupted, or a state restored from a backup, meets its own entries again and goes on.
public actor DirectoryCollector: Collector {
    let access: DirectoryAccess
    let rules: ImportRules
    let index: any PlaceIndex
    let strays: StrayEntries
    let organizationName: @Sendable (OrganizationID) async throws -> String?
    private var session: ImportSession?
    private var foreseen: [EntryID: EntryPlan] = [:]
    /// Of the batch that is being imported and of those to come, in their order.
    private var noted: [NotedPlans] = []

    /// - Parameters:
    ///   - index: where the entries imported so far stand.
    ///   - strays: shared by all collectors of the directory.
    ///   - organizationName: the label that names an organization's container.
    public init(
        _ access: DirectoryAccess, _ rules: ImportRules, index: any PlaceIndex, strays: StrayEntries,
        organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) {
        self.access = access
        self.rules = rules
        self.index = index
        self.strays = strays
        self.organizationName = organizationName
    }

    /// Order: what frees a DN before what takes it, parents before children, people before the groups that name them;
    /// everything else in flight together.
    public func importChanges(_ offered: [OfferedChange]) async throws -> ImportResult {
        do {
            return try await importAll(offered)
        } catch {
            // Some of it may have been written; and a connection on which something has failed may be of no use.
            await close()
            await strays.forget()
            throw error
        }
    }

    private func importAll(_ offered: [OfferedChange]) async throws -> ImportResult {
        var batch = try await ImportBatch(of: offered, collector: self, session: openSession())
        for change in offered {
            if let plan = foreseen.removeValue(forKey: change.id) { batch.foreseen[change.id] = plan }
        }
        if offered.count >= ImportWriting.importCountMin {
            session?.isLarge = true
            batch.session.isLarge = true
        }
        let own = await takeNoted(of: Set(offered.map(\.id)))
        var outcomes = [Outcome?](repeating: nil, count: offered.count)
        func note(_ results: Numbered<Outcome>) { for (index, outcome) in results { outcomes[index] = outcome } }

        note(
            try await batch.delete(
                offered.indices.filter { offered[$0].change.entry == nil }.map { ($0, offered[$0].id) }))
        let entries = offered.indices.compactMap { index in offered[index].change.entry.map { (index, $0) } }
        try await batch.ensureContainers(of: Set(entries.map(\.1.id.organization)))
        note(try await batch.importContainers(entries.filter { $0.1.kind == .container }))
        note(
            try await batch.importEntries(
                entries.filter { $0.1.kind != .container && $0.1.kind != .group }, noted: own))
        note(try await batch.importEntries(entries.filter { $0.1.kind == .group }))
        session = batch.session
        if let own { await writeOff(own) }
        await strays.note(written: batch.places(of: entries.map(\.1.id)))
        return ImportResult(outcomes: outcomes.map { $0 ?? .waiting(reason: "it was not tried") })
    }

    /// Plans what is new, where that is written together, and lets the server take note of it: so neither is kept waiting for
    /// the other.
    public func foresee(_ observations: [Observation]) async {
        guard let planning = session, planning.writesAhead else { return }
        let plans = try? await planning.foresee(observations, index: index) { await self.beginNoting(in: planning) }
        guard let plans else { return }
        // By another session's schema they might be others.
        guard session?.writtenAttributes === planning.writtenAttributes else { return }
        // The batch before has not taken all of its own yet; what was foreseen and has not come is not kept.
        if foreseen.count > Self.foreseenMax { foreseen = [:] }
        foreseen.merge(plans) { _, new in new }
    }

    private static let foreseenMax = 2_000

    /// Nil where nothing is to be noted now.
    private func beginNoting(in planning: ImportSession) async -> NotedPlans? {
        guard planning.isLarge, let connections = planning.noting,
            let connection = try? await connections.connection(besides: noted.map(\.connection)),
            session?.noting === connections, !noted.contains(where: { $0.connection === connection })
        else { return nil }
        let begun = NotedPlans(on: connection)
        noted.append(begun)
        return begun
    }

    /// What is noted of a batch. What is older was of one that has not come.
    private func takeNoted(of ids: Set<EntryID>) async -> NotedPlans? {
        let index = noted.firstIndex { begun in begun.plans.contains { ids.contains($0.wish.id) } }
        guard let index else { return nil }
        let own = noted[index]
        for old in noted[..<index] { await writeOff(old) }
        return own
    }

    public func forgetForeseen() async {
        foreseen = [:]
        for old in noted { await writeOff(old) }
    }

    /// Nothing is written of it, unless it has been.
    private func writeOff(_ old: NotedPlans) async {
        await old.transaction.abandon()
        noted.removeAll { $0 === old }
    }

    public func survey() async throws -> DestinationSurvey {
        do {
            let survey = try await strays.surveyAnew(openSession(), index)
            let known = try await index.known(Array(survey.unknown.keys))
            return DestinationSurvey(
                unknown: survey.unknown.filter { !known.contains($0.key) }, lacksEntries: survey.lacksEntries)
        } catch {
            await close()
            throw error
        }
    }

    /// Entries that stand elsewhere than they ought to are moved, now that all have come.
    public func finish() async throws -> ImportResult {
        do {
            let claims = try await index.placeClaims(limit: Self.claimsMax)
            let moved = claims.isEmpty ? [:] : try await PlaceSettlement(session: openSession()).settle(claims)
            if moved.isEmpty { await close() }
            return ImportResult(outcomes: [], moved: moved)
        } catch {
            await close()
            throw error
        }
    }

    /// So many are looked at together.
    private static let claimsMax = 1000

    private func close() async {
        let closing = session
        session = nil
        // slapd (2.5) can crash when a connection ends inside a transaction.
        await forgetForeseen()
        closing?.close()
    }

    private func openSession() async throws -> ImportSession {
        if let session, session.isOpen { return session }
        // Nothing that was noted by its schema, or on its connections, counts.
        if session != nil { await close() }
        let session = try await ImportSession.open(access, rules)
        self.session = session
        return session
    }
}
