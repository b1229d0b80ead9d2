import AddressBook
import Foundation

/// A change on its way to the collector, with what is known of the entry.
struct Attempt {
    var change: Change
    var number: Int64?
    /// Whether the destination has it, as far as the state knows. Deleting what is not known to be there harms nobody,
    /// but may clear away what a crash left behind.
    var isKnown = true
    /// Where the entry stands in the source's store.
    var home: Place?
    /// Where it stands in the destination's, as far as the state knows.
    var place: Place?
    var label: String?
    var replacedBy: UUID?
    /// What the destination has of an entry that is not to be deleted.
    var record: ExchangeRecord?

    /// The fields that the destination has and the entry no more.
    var emptied: FilledFields {
        guard let entry = change.entry, let filled = record?.filled else { return .none }
        return filled.subtracting(FilledFields(of: entry))
    }
}

extension Synchronizer {
    /// Takes the deletions that exceed the guard's limits out of the attempts and makes problems of them.
    ///
    /// - Parameter pending: how many deletions of each organization are about to happen in all, where that is known
    ///   beforehand; else those of the reading so far count.
    func holdDeletions(
        _ attempts: [Attempt], pending: [OrganizationID: Int]?, problems: [EntryID: Problem], into step: inout Step,
        _ report: inout SynchronizationReport
    ) async throws -> [Attempt] {
        guard state.tracksEntries else { return attempts }
        let deletions = Dictionary(
            grouping: attempts.filter { $0.isKnown && $0.change.entry == nil }, by: \.change.id.organization)
        var held: Set<EntryID> = []
        for (organization, attempts) in deletions {
            // What is held of this reading belongs together with what follows.
            let soFar = report.heldDeletions[organization, default: 0] + attempts.count
            let deletions = max(pending?[organization] ?? 0, soFar)
            if try await isAllowed(deletions, of: organization) { continue }
            let recent = try await state.deletionCount(of: organization, since: now() - 86_400)
            // Counting entries takes time, and most deletions are few: then their share does not matter.
            let isFew = deletions + recent < DeletionGuard.percentFrom
            let exceeded = deletionGuard.exceededLimit(
                deletions: deletions, recent: recent,
                entries: isFew ? 0 : try await state.entryCount(of: organization))
            guard let exceeded else { continue }
            for attempt in attempts {
                held.insert(attempt.change.id)
                record(
                    .held, attempt, reason: "deletion held: \(exceeded)", known: problems[attempt.change.id],
                    in: &step)
            }
            report.heldDeletions[organization, default: 0] += attempts.count
        }
        return held.isEmpty ? attempts : attempts.filter { !held.contains($0.change.id) }
    }

    /// Whether so many deletions are within what a person allows once; all of them or none.
    private func isAllowed(_ deletions: Int, of organization: OrganizationID) async throws -> Bool {
        guard let allowance = deletionGuard.allowance else { return false }
        return deletions + (try await state.deletionCount(of: organization, since: allowance.since)) <= allowance.count
    }

    /// Asks the collector to import, and records each outcome in the step.
    func importAttempts(
        _ attempts: [Attempt], problems: [EntryID: Problem], into step: inout Step,
        _ report: inout SynchronizationReport
    ) async throws {
        guard !attempts.isEmpty else { return }
        let result = try await collector.importChanges(
            attempts.map { OfferedChange($0.change, number: $0.number, place: $0.place) })
        precondition(result.outcomes.count == attempts.count, "a collector reports one outcome per change")
        step.appended += result.appended
        step.posted += result.posted
        for (attempt, outcome) in zip(attempts, result.outcomes) {
            let known = problems[attempt.change.id]
            switch outcome {
            case .imported(let placement):
                report.imported += 1
                succeed(attempt, placement, known, &step)
            case .unchanged(let placement):
                report.unchanged += 1
                succeed(attempt, placement, known, &step)
            case .incomplete(let placement, let reason, let answer):
                // Tried again, it is most likely what it was; counted as imported it would have its kind tried for ever.
                if known == nil { report.imported += 1 } else { report.unchanged += 1 }
                succeed(attempt, placement, nil, &step)
                record(.waiting, attempt, reason: reason, answer: answer, known: known, in: &step)
            case .refused(let reason, let answer):
                if known == nil { report.refused += 1 }
                fail(.refused, attempt, reason, answer, known, &step)
            case .waiting(let reason, let answer):
                if known == nil { report.refused += 1 }
                fail(.waiting, attempt, reason, answer, known, &step)
            }
        }
    }

    private func succeed(_ attempt: Attempt, _ placement: Placement?, _ known: Problem?, _ step: inout Step) {
        let id = attempt.change.id
        if known != nil { step.solved.append(id) }
        guard state.tracksEntries else { return }
        if let entry = attempt.change.entry {
            step.exchanged.append(
                ExchangeRecord(
                    id: id, digest: entry.digest, home: attempt.home, place: placement?.place,
                    wanted: placement?.wanted, label: entry.label, replacedBy: attempt.replacedBy,
                    filled: FilledFields(of: entry)))
            guard known?.kind != .held else { return }
            for field in attempt.emptied.fields { step.emptied[id.organization, default: [:]][field, default: 0] += 1 }
        } else if attempt.isKnown {
            // A deletion of what was never there is none that the guard should count.
            step.deleted.append(id)
            // Those that were released because a number is allowed have to use it up.
            if let known, known.kind == .held, known.isDeletion, deletionGuard.allowance == nil {
                step.uncounted.insert(id)
            }
        }
    }

    private func fail(
        _ kind: Problem.Kind, _ attempt: Attempt, _ reason: String, _ answer: ServerAnswer?, _ known: Problem?,
        _ step: inout Step
    ) {
        record(kind, attempt, reason: reason, answer: answer, known: known, in: &step)
        // A refused entry counts as seen: it is missing from the destination, not from the source.
        if attempt.change.entry != nil {
            step.exchanged.append(
                ExchangeRecord(
                    id: attempt.change.id, digest: nil, home: attempt.home, place: attempt.place,
                    wanted: attempt.record?.wanted, label: attempt.label, replacedBy: attempt.replacedBy,
                    filled: attempt.record?.filled))
        }
    }

    func record(
        _ kind: Problem.Kind, _ attempt: Attempt, reason: String, answer: ServerAnswer? = nil, known: Problem?,
        in step: inout Step
    ) {
        step.problems.append(
            known?.after(kind, change: attempt.change, reason: reason, answer: answer, now: now())
                ?? .first(
                    kind, change: attempt.change, label: attempt.label, reason: reason, answer: answer, now: now()))
    }
}
