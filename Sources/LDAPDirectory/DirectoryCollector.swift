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
            close()
            await strays.forget()
            throw error
        }
    }

    private func importAll(_ offered: [OfferedChange]) async throws -> ImportResult {
        var batch = try await ImportBatch(of: offered, collector: self, session: openSession())
        for change in offered {
            if let plan = foreseen.removeValue(forKey: change.id) { batch.foreseen[change.id] = plan }
        }
        if offered.count >= ImportWriting.importCountMin { batch.session.isLarge = true }
        var outcomes = [Outcome?](repeating: nil, count: offered.count)
        func note(_ results: Numbered<Outcome>) { for (index, outcome) in results { outcomes[index] = outcome } }

        note(
            try await batch.delete(
                offered.indices.filter { offered[$0].change.entry == nil }.map { ($0, offered[$0].id) }))
        let entries = offered.indices.compactMap { index in offered[index].change.entry.map { (index, $0) } }
        try await batch.ensureContainers(of: Set(entries.map(\.1.id.organization)))
        note(try await batch.importContainers(entries.filter { $0.1.kind == .container }))
        note(try await batch.importEntries(entries.filter { $0.1.kind != .container && $0.1.kind != .group }))
        note(try await batch.importEntries(entries.filter { $0.1.kind == .group }))
        session = batch.session
        await strays.note(written: batch.places(of: entries.map(\.1.id)))
        return ImportResult(outcomes: outcomes.map { $0 ?? .waiting(reason: "it was not tried") })
    }

    /// Plans what is new, where that is written together: so the server is not kept waiting for the plans.
    public func foresee(_ observations: [Observation]) async {
        guard let planning = session, planning.writesAhead else { return }
        guard let plans = try? await planning.foresee(observations, index: index) else { return }
        // By another session's schema they might be others.
        guard session?.writtenAttributes === planning.writtenAttributes else { return }
        // The batch before has not taken all of its own yet; what was foreseen and has not come is not kept.
        if foreseen.count > Self.foreseenMax { foreseen = [:] }
        foreseen.merge(plans) { _, new in new }
    }

    private static let foreseenMax = 2_000

    public func survey() async throws -> DestinationSurvey {
        do {
            let survey = try await strays.surveyAnew(openSession(), index)
            let known = try await index.known(Array(survey.unknown.keys))
            return DestinationSurvey(
                unknown: survey.unknown.filter { !known.contains($0.key) }, lacksEntries: survey.lacksEntries)
        } catch {
            close()
            throw error
        }
    }

    /// Entries that stand elsewhere than they ought to are moved, now that all have come.
    public func finish() async throws -> ImportResult {
        do {
            let claims = try await index.placeClaims(limit: Self.claimsMax)
            let moved = claims.isEmpty ? [:] : try await PlaceSettlement(session: openSession()).settle(claims)
            if moved.isEmpty { close() }
            return ImportResult(outcomes: [], moved: moved)
        } catch {
            close()
            throw error
        }
    }

    /// So many are looked at together.
    private static let claimsMax = 1000

    public func close() {
        session?.close()
        session = nil
        foreseen = [:]
    }

    private func openSession() async throws -> ImportSession {
        if let session, session.isOpen { return session }
        let session = try await ImportSession.open(access, rules)
        self.session = session
        return session
    }
}
