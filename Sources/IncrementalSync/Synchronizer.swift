import AddressBook
import Foundation

/// Moves batches from a change source to a collector and advances the state after each success (R9).
///
/// It can stop after any step and go on later from the state: a step's records and cursor are committed in one
/// transaction, after the destination has what they cover.
public struct Synchronizer: Sendable {
    let source: any ChangeSource
    let collector: any Collector
    let state: any SynchronizationState
    let deletionGuard: DeletionGuard
    let now: @Sendable () -> Date

    /// How many changes are imported together.
    static let batchSize = 1000

    public init(
        from source: any ChangeSource, to collector: any Collector, state: any SynchronizationState,
        deletionGuard: DeletionGuard, now: @escaping @Sendable () -> Date
    ) {
        self.source = source
        self.collector = collector
        self.state = state
        self.deletionGuard = deletionGuard
        self.now = now
    }

    /// Reads everything after the state's cursor and imports it.
    public func synchronize() async throws -> SynchronizationReport {
        var report = try await retryProblems()
        let reader = try await source.read(after: state.cursor())
        var step: Step?
        do {
            try await importAll(from: reader, &step, &report)
        } catch {
            // However the reading ends, what has been done is kept, also when this task is cancelled.
            if let step { try? await Task { try await state.commit(step) }.value }
            await collector.forgetForeseen()
            throw error
        }
        if let step { try await state.commit(step) }
        // What has been waiting for another entry may have been waiting for one of these.
        if report.imported > 0 { report = report + (try await retryProblems()) }
        try await finish()
        return report
    }

    /// - Parameter step: what has been imported and not been committed yet.
    private func importAll(
        from reader: any ChangeReader, _ step: inout Step?, _ report: inout SynchronizationReport
    ) async throws {
        var next = try await reader.next()
        while let batch = next {
            if let done = step, !batch.allowsReadingAhead || done.concerns(batch) {
                try await state.commit(done)
                step = nil
            }
            if batch.allowsReadingAhead {
                async let following = readAhead(reader)
                let done = step
                step = nil
                step = try await importBatch(batch, whileCommitting: done, &report)
                next = try await following
            } else {
                try await state.commit(importBatch(batch, &report))
                try await completeRefresh(batch, &report)
                next = try await reader.next()
            }
            try Task.checkCancellation()
        }
    }

    private func readAhead(_ reader: any ChangeReader) async throws -> ChangeBatch? {
        let batch = try await reader.next()
        if let batch { await collector.foresee(batch.observations) }
        return batch
    }

    /// However often the collector has something to record, this is enough for all; the next synchronization goes on.
    private static let finishesMax = 100

    private func finish() async throws {
        for _ in 0..<Self.finishesMax {
            let rest = try await collector.finish()
            guard !rest.posted.isEmpty || !rest.appended.isEmpty || !rest.moved.isEmpty else { return }
            try await record(rest)
            if rest.moved.isEmpty { return }
        }
    }

    private func record(_ rest: ImportResult) async throws {
        var step = Step(now: now())
        step.posted = rest.posted
        step.appended = rest.appended
        for (id, var record) in try await state.records(Array(rest.moved.keys)) {
            record.place = rest.moved[id]?.place
            record.wanted = rest.moved[id]?.wanted
            step.exchanged.append(record)
        }
        try await state.commit(step)
    }

    /// Tries again what could not be imported, where its time has come.
    public func retryProblems() async throws -> SynchronizationReport {
        var report = SynchronizationReport()
        let due = try await state.dueProblems(now: now(), limit: Self.batchSize)
        guard !due.isEmpty else { return report }
        let records = try await state.records(due.map(\.id))
        var step = Step(now: now())
        let known = Dictionary(due.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let attempts = due.map {
            Attempt(
                change: $0.change, isKnown: records[$0.id] != nil, home: records[$0.id]?.home,
                place: records[$0.id]?.place, label: $0.label, replacedBy: records[$0.id]?.replacedBy,
                record: records[$0.id])
        }
        try await importAttempts(attempts, problems: known, into: &step, &report)
        try await state.commit(step)
        return report
    }

    /// The destination takes a batch while the state takes the one before. Steps are committed in their order.
    private func importBatch(
        _ batch: ChangeBatch, whileCommitting step: Step?, _ report: inout SynchronizationReport
    ) async throws -> Step {
        guard let step else { return try await importBatch(batch, &report) }
        async let committed: Void = state.commit(step)
        let imported: Result<Step, any Error>
        do {
            imported = .success(try await importBatch(batch, &report))
        } catch {
            imported = .failure(error)
        }
        // Whatever becomes of this batch, what has been done before is kept.
        try await committed
        return try imported.get()
    }

    /// Imports a batch; what the state has to record of it is still to be committed.
    private func importBatch(_ batch: ChangeBatch, _ report: inout SynchronizationReport) async throws -> Step {
        var step = Step(now: now())
        step.refresh = batch.refresh
        // Until what is missing has been deleted, the refresh is not done and must be read again after a crash.
        step.cursor = batch.completesRefresh ? nil : batch.cursor

        let newest = Self.newestOfEach(batch.observations)
        let ids = newest.map(\.id)
        let records = try await state.records(ids)
        let problems = try await state.problems(ids)
        var attempts: [Attempt] = []
        for observation in newest {
            report.read += 1
            // What depends on nothing (any more) is said, too.
            if observation.place != nil { step.references[observation.id] = observation.references }
            var observation = observation
            let isOfLog = observation.number != nil
            // A full transfer numbers nothing anew that the destination's log has.
            if batch.refresh != nil { observation.number = nil }
            consider(
                observation, isOfLog: isOfLog, records[observation.id], problems[observation.id], &attempts, &step)
        }
        attempts = try await holdDeletions(attempts, pending: nil, problems: problems, into: &step, &report)
        attempts = try await holdEmptied(attempts, problems: problems, into: &step, &report)
        try await importAttempts(attempts, problems: problems, into: &step, &report)
        return step
    }

    private func completeRefresh(_ batch: ChangeBatch, _ report: inout SynchronizationReport) async throws {
        guard let refresh = batch.refresh, batch.completesRefresh else { return }
        if batch.coversEverything { try await recordUnknown() }
        try await deleteUnseen(in: refresh, &report)
        var last = Step(now: now())
        last.cursor = batch.cursor
        try await state.commit(last)
    }

    /// What the destination has, and no state knows, is known from now on: as something that the source did not show.
    private func recordUnknown() async throws {
        let unknown = try await collector.survey().unknown.sorted { $0.key < $1.key }
        for start in stride(from: 0, to: unknown.count, by: Self.batchSize) {
            var step = Step(now: now())
            step.exchanged = unknown[start..<min(start + Self.batchSize, unknown.count)].map { id, place in
                ExchangeRecord(id: id, digest: .unknown, place: place)
            }
            try await state.commit(step)
        }
    }

    /// Decides what an observation means, given what the destination has.
    private func consider(
        _ observation: Observation, isOfLog: Bool, _ record: ExchangeRecord?, _ problem: Problem?,
        _ attempts: inout [Attempt], _ step: inout Step
    ) {
        let change: Change
        switch observation.content {
        case .change(let observed): change = observed
        case .absent(let id):
            guard record != nil else { return }
            change = .delete(id)
        case .present(let id):
            step.seen.append(id)
            if problem?.isDeletion == true { step.solved.append(id) }
            return
        }
        guard let entry = change.entry else {
            // However often it is reported, a held deletion waits for a person, and a refused one stays refused.
            if let problem, problem.isDeletion, problem.isGuarded { return }
            attempts.append(
                Attempt(
                    change: change, number: observation.number, isKnown: record != nil, home: record?.home,
                    place: record?.place, label: record?.label))
            return
        }
        if isStillHeld(entry, observation, record, problem, &step) { return }
        // A log names only what has changed, or everything because the two sides may differ. The record may be older than the
        // destination, if it was restored from a backup: that an entry is again what it was then does not say that it is so
        // there.
        guard state.tracksEntries, !isOfLog, let record, record.digest == entry.digest, problem?.isDeletion ?? true
        else {
            attempts.append(
                Attempt(
                    change: change, number: observation.number, home: observation.place ?? record?.home,
                    place: record?.place, label: entry.label, replacedBy: observation.replacedBy, record: record))
            return
        }
        // The General page is as it was. A place in the source may have changed all the same.
        if problem != nil { step.solved.append(entry.id) }
        if let home = observation.place, home != record.home || observation.replacedBy != record.replacedBy {
            step.exchanged.append(
                ExchangeRecord(
                    id: entry.id, digest: record.digest, home: home, place: record.place, wanted: record.wanted,
                    label: entry.label, replacedBy: observation.replacedBy, filled: FilledFields(of: entry)))
        } else {
            step.seen.append(entry.id)
        }
    }

    private func deleteUnseen(in refresh: RefreshID, _ report: inout SynchronizationReport) async throws {
        var pending = try await state.unseenCounts(in: refresh)
        while true {
            let ids = try await state.unseen(in: refresh, limit: Self.batchSize)
            guard !ids.isEmpty else { return }
            let records = try await state.records(ids)
            let problems = try await state.problems(ids)
            var step = Step(now: now())
            var attempts = ids.map {
                Attempt(
                    change: .delete($0), home: records[$0]?.home, place: records[$0]?.place, label: records[$0]?.label)
            }
            attempts = try await holdDeletions(attempts, pending: pending, problems: problems, into: &step, &report)
            try await importAttempts(attempts, problems: problems, into: &step, &report)
            try await state.commit(step)
            // From here on these count as recent.
            for id in step.deleted { pending[id.organization, default: 0] -= 1 }
        }
    }

    private static func newestOfEach(_ observations: [Observation]) -> [Observation] {
        var last: [EntryID: Int] = [:]
        for (index, observation) in observations.enumerated() { last[observation.id] = index }
        guard last.count < observations.count else { return observations }
        return observations.enumerated().filter { last[$0.element.id] == $0.offset }.map(\.element)
    }
}

extension Step {
    /// What the step records bears on the import of the batch: it is of the same entries, or the guard counts it.
    fileprivate func concerns(_ batch: ChangeBatch) -> Bool {
        guard deleted.isEmpty, emptied.isEmpty else { return true }
        let mine = Set(seen + exchanged.map(\.id) + problems.map(\.id) + solved)
        return batch.observations.contains { mine.contains($0.id) }
    }
}
