import AddressBook
import Foundation

/// Fields that are emptied in many entries at once are more likely a mistake of whoever reads or maps them than meant.
extension Synchronizer {
    /// Takes the changes that empty a field in more entries than the guard lets pass out of the attempts and makes problems
    /// of them. A reading is judged batch by batch, with what of it is held and what happened within 24 hours.
    func holdEmptied(
        _ attempts: [Attempt], problems: [EntryID: Problem], into step: inout Step,
        _ report: inout SynchronizationReport
    ) async throws -> [Attempt] {
        guard state.tracksEntries else { return attempts }
        let emptying = Dictionary(
            grouping: attempts.filter { $0.emptied != .none }, by: \.change.id.organization)
        var held: Set<EntryID> = []
        for (organization, attempts) in emptying {
            let exceeded = try await exceededLimits(attempts, of: organization, report)
            for attempt in attempts {
                guard let reason = attempt.emptied.fields.lazy.compactMap({ exceeded[$0] }).first else { continue }
                held.insert(attempt.change.id)
                record(.held, attempt, reason: "change held: \(reason)", known: problems[attempt.change.id], in: &step)
                stay(attempt.record, home: attempt.home, replacedBy: attempt.replacedBy, in: &step)
                report.heldChanges += 1
                for field in attempt.emptied.fields {
                    report.heldEmptied[organization, default: [:]][field, default: 0] += 1
                }
            }
        }
        return held.isEmpty ? attempts : attempts.filter { !held.contains($0.change.id) }
    }

    /// The fields that the attempts empty in too many entries, and what limit that exceeds.
    private func exceededLimits(
        _ attempts: [Attempt], of organization: OrganizationID, _ report: SynchronizationReport
    ) async throws -> [Field: String] {
        var counts = try await state.emptiedCounts(of: organization, since: now() - 86_400)
        counts.merge(report.heldEmptied[organization] ?? [:], uniquingKeysWith: +)
        for field in attempts.flatMap(\.emptied.fields) { counts[field, default: 0] += 1 }
        // Counting entries takes time, and most changes are few.
        guard counts.values.contains(where: { $0 >= DeletionGuard.percentFrom }) else { return [:] }
        let entries = try await state.entryCount(of: organization)
        return Dictionary(
            uniqueKeysWithValues: counts.compactMap { field, count in
                deletionGuard.exceededLimit(emptied: count, of: field, entries: entries).map { (field, $0) }
            })
    }

    /// Whether the change would still empty what the guard has held it for; then it waits with the new content.
    func isStillHeld(
        _ entry: Entry, _ observation: Observation, _ record: ExchangeRecord?, _ problem: Problem?,
        _ step: inout Step
    ) -> Bool {
        guard var problem, problem.isGuarded, let held = problem.change.entry, let filled = record?.filled else {
            return false
        }
        let emptied = filled.subtracting(FilledFields(of: entry))
        guard !emptied.isDisjoint(with: filled.subtracting(FilledFields(of: held))) else { return false }
        if entry.digest != held.digest {
            problem.change = .upsert(entry)
            problem.lastSeen = step.now
            step.problems.append(problem)
        }
        stay(record, home: observation.place ?? record?.home, replacedBy: observation.replacedBy, in: &step)
        return true
    }

    /// The destination has what it had; the source has the entry, where it stands now.
    private func stay(_ record: ExchangeRecord?, home: Place?, replacedBy: UUID?, in step: inout Step) {
        guard var record else { return }
        guard record.home != home || record.replacedBy != replacedBy else { return step.seen.append(record.id) }
        record.home = home
        record.replacedBy = replacedBy
        step.exchanged.append(record)
    }
}
