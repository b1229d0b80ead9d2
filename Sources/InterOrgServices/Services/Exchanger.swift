import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import LDAPClient
import LDAPDirectory
import Logging
import MailTransport
import SQLiteStore

/// What one cycle did. Counts are entries.
public struct CycleReport: Hashable, Sendable, Codable {
    public var exported = 0
    public var imported = 0
    public var refused = 0
    public var held = 0
    /// The highest number of the service's own log.
    public var highest: Int64 = 0
    /// What could not be done, in words for people.
    public var failures: [String] = []
    /// One of them will not go away by trying again: something has to be corrected.
    public var needsCorrection = false
    /// Trying again soon is of use, whatever the schedule says: a server was away, or the master has not been told yet.
    public var shouldRetry = false
    /// One of them is none that a server or a configuration explains.
    public var isDefect = false

    public init() {}
}

/// A master or a requestor at work: cycles and mail, one thing after the other, each failure said once and in the way
/// of nothing else.
actor Exchanger {
    enum Role {
        case master(Master)
        case requestor(Requestor)
    }

    let role: Role
    let directory: (any OrganizationDirectory)?
    let store: ServiceStore
    let envelope: any SealedEnvelope
    /// Whose address is which; for what mail systems say about our mail.
    let addresses: [MailAddress: OrganizationID]
    var peerMail: PeerMail { PeerMail(store: store) }
    let logger: Logger
    let now: @Sendable () -> Date
    /// For how long a request stands, in seconds; nil: it does not.
    let standing: Int?
    /// Called when messages may have been posted.
    let posted: @Sendable () -> Void
    /// Called when mail may have been dealt with.
    let settled: @Sendable () -> Void
    let inboxLimits: InboxLimits
    private var isStarted = false
    /// What a person allows until the cycle is over.
    private var allowedDeletions: Int?
    private var notices = FailureNotices()
    private var saidRestoration = false
    var refusals = RateLimitedNotices()
    /// Something has been exported that no request has been composed for yet.
    private var hasNews = false
    /// What the last cycle could not do, as the store has it.
    private var recordedFailures: [String]?
    /// How changes are found in each part of the directory, as it was last said.
    private var methods: [String: String] = [:]

    init(
        role: Role, directory: (any OrganizationDirectory)?, store: ServiceStore, envelope: any SealedEnvelope,
        logger: Logger, now: @escaping @Sendable () -> Date, standing: Int? = nil,
        posted: @escaping @Sendable () -> Void, settled: @escaping @Sendable () -> Void = {},
        inboxLimits: InboxLimits = InboxLimits(), addresses: [MailAddress: OrganizationID] = [:]
    ) {
        self.addresses = addresses
        self.standing = standing
        self.role = role
        self.directory = directory
        self.store = store
        self.envelope = envelope
        self.logger = logger
        self.now = now
        self.posted = posted
        self.settled = settled
        self.inboxLimits = inboxLimits
    }

    func start(audits: Bool) async throws {
        guard !isStarted else { return }
        switch role {
        case .master(let master): try await master.start(audits: audits)
        case .requestor(let requestor): try await requestor.start(audits: audits)
        }
        isStarted = true
        // What a service before this one has left: whoever starts a service may have corrected something.
        await submitAtOnce()
    }

    /// What is wrong with the directory is said at once, and not only when something is to be written there.
    func checkDirectory() async {
        do {
            try await directory?.check()
        } catch is CancellationError {
            return
        } catch {
            logger.error("check the directory: \(error)")
        }
    }

    /// Waits until something has changed in the directory since it was last read, or may have; false at once if its
    /// server cannot tell.
    nonisolated func awaitChange() async throws -> Bool {
        switch role {
        case .master(let master): try await master.participant.awaitChange()
        case .requestor(let requestor): try await requestor.participant.awaitChange()
        }
    }

    /// From now on so many deletions of each organization's entries pass the guard in each synchronization, those among
    /// them that it holds already; until this is called with nil.
    func allowDeletions(_ count: Int?) async {
        allowedDeletions = count
        switch role {
        case .master(let master): await master.allowDeletions(count)
        case .requestor(let requestor): await requestor.allowDeletions(count)
        }
    }

    /// Everything that the schedule asks for, then the mail that waits.
    func cycle() async -> CycleReport { await cycle(isScheduled: true) }

    /// What the last cycle, or mail that has come, could not do because a server was away. The master is asked only if
    /// there is something to tell it: that it is asked at all is for the schedule.
    func retry() async -> CycleReport { await cycle(isScheduled: false) }

    private func cycle(isScheduled: Bool) async -> CycleReport {
        var report = CycleReport()
        if let allowedDeletions {
            await attempt("release held deletions", &report) { _ in
                _ = try await self.store.releaseHeldDeletions(upTo: allowedDeletions, now: self.now())
            }
        }
        switch role {
        case .master(let master):
            await attempt("export the directory", &report) { report in
                let exported = try await master.exportDirectory()
                self.note(exported.done, \.exported, &report)
                for error in exported.failures { self.fail("export the directory", error, &report) }
                await self.noteReadings()
            }
            await auditDirectory(&report)
            await sayRestoration(of: master, &report)
            await settleMembership(of: master, &report)
            await attempt("try problems again", &report) { report in
                let done = try await master.retryProblems()
                self.note(done, \.exported, &report)
            }
            await readInbox(&report)
            await answer(master, &report)
            await importIntoDirectory(of: master, &report)
            await attempt("forget old deletions", &report) { _ in
                try await master.purgeTombstones(silence: Self.silenceSeconds)
            }
        case .requestor(let requestor):
            await attempt("export the directory", &report) { report in
                let exported = try await requestor.exportDirectory()
                self.note(exported.done, \.exported, &report)
                for error in exported.failures { self.fail("export the directory", error, &report) }
                await self.noteReadings()
            }
            await auditDirectory(&report)
            await attempt("try problems again", &report) { report in
                let done = try await requestor.retryProblems()
                self.note(done, \.imported, &report)
            }
            hasNews = hasNews || report.exported > 0
            let stands = (try? await requestor.stands(standing)) ?? false
            let isOverdue = (try? await requestor.isOverdue()) ?? false
            if hasNews && !isOverdue || isScheduled && !stands { await ask(requestor, &report) }
            await readInbox(&report)
            await attempt("forget old deletions", &report) { _ in try await requestor.purgeTombstones() }
        }
        report.highest = (try? await ChangeLog(store: store).line().highest) ?? 0
        await record(report.failures)
        let level: Logger.Level = report.exported + report.imported > 0 ? .info : .debug
        logger.log(
            level: level, "cycle done",
            metadata: [
                "exported": "\(report.exported)", "imported": "\(report.imported)", "highest": "\(report.highest)",
            ])
        return report
    }

    /// Asks the master, with what there is to tell it. While the last request is just being answered there is no new
    /// one; what is news waits for a retry then, and not for the schedule.
    private func ask(_ requestor: Requestor, _ report: inout CycleReport) async {
        await attempt("compose a request", &report) { report in
            guard let number = try await requestor.request(standing: self.standing) else {
                report.shouldRetry = report.shouldRetry || self.hasNews
                return
            }
            self.hasNews = false
            self.posted()
            self.logger.info("request posted", metadata: ["request": "\(number)"])
        }
    }

    /// Once, when the directory can be reached: looks for entries in it that nobody knows.
    private func auditDirectory(_ report: inout CycleReport) async {
        guard report.failures.isEmpty else { return }
        await attempt("look for entries that are not known", &report) { _ in
            switch self.role {
            case .master(let master): try await master.auditDirectory()
            case .requestor(let requestor): try await requestor.auditDirectory()
            }
        }
    }

    /// Says once that the master's database was restored, and once that it is whole again.
    private func sayRestoration(of master: Master, _ report: inout CycleReport) async {
        await attempt("look whether a backup was restored", &report) { _ in
            let open = try await master.restoration().flatMap { $0.isOver ? nil : $0 }
            defer { self.saidRestoration = open != nil }
            if let open, !self.saidRestoration {
                self.logger.warning(
                    """
                    the database lacks what others have: it was restored from a backup. Until all requestors have been \
                    heard again, nothing is deleted because it is missing here; interorg status shows who is waited for
                    """,
                    metadata: ["noticed": "\(open.noticed)"])
            } else if open == nil, self.saidRestoration {
                self.logger.info("nobody is waited for any more since a backup was restored")
            }
        }
    }

    /// A member that has not been heard for so long is not waited for when old deletions are forgotten: 60 days.
    private static let silenceSeconds: TimeInterval = 60 * 86_400

    /// Takes back the entries of organizations that are members no more, and says so before anything of it is sent.
    private func settleMembership(of master: Master, _ report: inout CycleReport) async {
        await attempt("take back the entries of organizations that have left", &report) { report in
            let names = try await Peers(store: self.store).names()
            for (organization, done) in try await master.settleMembership() {
                self.note(done, \.exported, &report)
                guard done.imported + done.held > 0 else { continue }
                self.logger.warning(
                    """
                    \(names[organization] ?? "\(organization)") is not in exchange.requestors any more, or offers \
                    nothing: its entries are deleted from the address book
                    """,
                    metadata: ["deleted": "\(done.imported)", "held": "\(done.held)"])
            }
        }
    }

    /// Answers the requests that have come, and again those that stand, where there is something new.
    private func answer(_ master: Master, _ report: inout CycleReport) async {
        await attempt("answer the requestors", &report) { _ in
            if try await master.answer() { self.posted() }
        }
    }

    /// What was posted is on its way: what has come since may follow it.
    func outboxIsEmpty() async {
        guard case .master(let master) = role else { return }
        var report = CycleReport()
        await answer(master, &report)
    }

    /// When the master is to be asked although no schedule says so.
    func due() async -> Date? {
        guard case .requestor(let requestor) = role else { return nil }
        return try? await requestor.due()
    }

    /// Asks the master once more, if that is due.
    func askIfDue() async {
        guard case .requestor(let requestor) = role else { return }
        var report = CycleReport()
        await attempt("compose a request", &report) { _ in
            guard let number = try await requestor.requestIfDue(standing: self.standing) else { return }
            self.posted()
            self.logger.info("request posted: an answer is missing", metadata: ["request": "\(number)"])
        }
    }

    /// Deals with the mail that has come outside of a cycle.
    func mailHasCome(_ before: CycleReport = CycleReport()) async -> CycleReport {
        var report = before
        await readInbox(&report)
        if case .master(let master) = role { await answer(master, &report) }
        if case .master(let master) = role, report.exported > before.exported {
            await importIntoDirectory(of: master, &report)
        }
        var known = recordedFailures ?? []
        if recordedFailures == nil, let stored = try? await store.failures() { known = stored.map(\.text) }
        let news = report.failures.filter { !known.contains($0) }
        if !news.isEmpty { await record(known + news) }
        return report
    }

    /// Everything in the inbox; parked messages again for as long as that leads on.
    private func readInbox(_ report: inout CycleReport) async {
        await attempt("deal with the mail that has come", &report) { report in
            defer { self.settled() }
            let round = InboxRound(Inbox(store: self.store, limits: self.inboxLimits), now: self.now)
            try await round.run { mail in
                defer { self.posted() }
                return try await self.process(mail, &report)
            }
        }
    }

    private func importIntoDirectory(of master: Master, _ report: inout CycleReport) async {
        await attempt("import into the directory", &report) { report in
            let done = try await master.importIntoDirectory()
            self.note(done, \.imported, &report)
        }
    }

    /// Lets `interorg status` say what goes wrong; only news is written.
    private func record(_ failures: [String]) async {
        // A cycle that was cut off says nothing about what works.
        guard failures != recordedFailures, !Task.isCancelled else { return }
        do {
            try await store.recordFailures(failures, now: now())
            recordedFailures = failures
        } catch is CancellationError {
            return
        } catch {
            logger.error("record what went wrong: \(error)")
        }
    }

    /// Says once how changes are found in each part of the directory.
    private func noteReadings() async {
        for reading in (try? await DirectoryReading.all(in: store)) ?? [] {
            guard let changes = reading.changes, methods.updateValue(changes, forKey: reading.base) != changes else {
                continue
            }
            logger.info("reading the directory", metadata: ["base": "\(reading.base)", "changes": "\(changes)"])
        }
    }

    func note(
        _ done: SynchronizationReport, _ count: WritableKeyPath<CycleReport, Int>, _ report: inout CycleReport
    ) {
        report[keyPath: count] += done.imported
        report.refused += done.refused
        report.held += done.held
        if done.held > 0 {
            logger.warning("changes are held; see interorg problems", metadata: ["count": "\(done.held)"])
        }
        if done.refused > 0 {
            logger.warning("entries were not imported; see interorg problems", metadata: ["count": "\(done.refused)"])
        }
    }

    /// Runs one part; what goes wrong is said, and the other parts go on.
    private func attempt(
        _ what: String, _ report: inout CycleReport, _ body: (inout CycleReport) async throws -> Void
    ) async {
        notices.begin(what)
        do {
            try await body(&report)
        } catch is CancellationError {
            return
        } catch {
            fail(what, error, &report)
        }
        if notices.end(what) { logger.info("\(what): works again") }
    }

    private func fail(_ what: String, _ error: any Error, _ report: inout CycleReport) {
        let text = "\(what): \(error)"
        report.failures.append(text)
        var kind = text
        switch error {
        case let error as LDAPError where error.isTransient:
            report.shouldRetry = true
            // However a server that is away shows itself from one attempt to the next.
            kind = "away"
        case is LDAPError, is DirectoryError: report.needsCorrection = true
        default: report.isDefect = true
        }
        logger.log(level: notices.isNews(what, kind) ? .error : .debug, "\(text)")
    }
}
