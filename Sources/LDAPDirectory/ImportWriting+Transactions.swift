import IncrementalSync
import LDAPClient

/// Additions and modifications are sent together, in a transaction if they may: most of an import is these.
extension ImportWriting {
    /// Fewer than this in a transaction gain little; and slapd (2.5) can crash when a small one ends at once.
    static let transactionCountMin = 500
    /// slapd may still be answering the last operation when the end comes, and the end frees it.
    private static let settlingPause = Duration.milliseconds(8)
    /// Down to this, the refused one of a transaction is looked for by halves.
    private static let bisectedCountMin = 125

    /// - Parameter plans: those that have been renamed, as far as they had to be.
    func write(_ plans: [EntryPlan]) async throws -> [(Wish, Verdict)] {
        let renamed = plans.filter { $0.write == nil }
        let rest = plans.filter { $0.write != nil }
        return renamed.map { ($0.wish, .done(.imported($0.placement))) }
            + (session.hasTransactions && rest.count >= Self.transactionCountMin
                ? try await writeInTransactions(rest) : try await writeOneByOne(rest[...]))
    }

    /// slapd (2.5, back-mdb) numbers the attributes of a database as it meets them. When a transaction is refused it keeps
    /// in memory, and not on disk, the numbers of those that it has met there first; an entry that is written with one
    /// later cannot be read any more, nor can a search that comes across it end. So each attribute is written outside of
    /// transactions first.
    private func writeInTransactions(_ plans: [EntryPlan]) async throws -> [(Wish, Verdict)] {
        var met: Set<String> = []
        let first = plans.filter { plan in
            let isFirst = !plan.namesWritten.isSubset(of: met)
            met.formUnion(plan.namesWritten)
            return isFirst
        }
        var verdicts = try await writeOneByOne(first[...])
        var known: Set<String> = []
        for (plan, (_, verdict)) in zip(first, verdicts) {
            if case .done(.imported) = verdict { known.formUnion(plan.namesWritten) }
        }
        let written = Set(first.map(\.wish.id))
        let rest = plans.filter { !written.contains($0.wish.id) }
        verdicts += try await writeInTransaction(rest.filter { $0.namesWritten.isSubset(of: known) }[...])
        verdicts += try await writeOneByOne(rest.filter { !$0.namesWritten.isSubset(of: known) }[...])
        return verdicts
    }

    private func writeOneByOne(_ plans: ArraySlice<EntryPlan>) async throws -> [(Wish, Verdict)] {
        let results = try await connection.perform(plans.compactMap(\.write))
        return try zip(plans, results).map { plan, result in
            switch result {
            case .success: return (plan.wish, .done(.imported(plan.placement)))
            case .failure(let error):
                let verdict = try verdict(plan, error)
                guard plan.rename != nil, case .done(.refused(let reason)) = verdict else {
                    return (plan.wish, verdict)
                }
                // It stands at its new place, whatever else it lacks.
                return (plan.wish, .done(.incomplete(plan.placement, reason: reason)))
            }
        }
    }

    /// All or none; if none, the halves.
    private func writeInTransaction(_ plans: ArraySlice<EntryPlan>) async throws -> [(Wish, Verdict)] {
        guard plans.count > Self.bisectedCountMin else { return try await writeOneByOne(plans) }
        let writes = plans.compactMap(\.write)
        // slapd (2.5) can crash when a connection ends inside a transaction: a task of its own is not cancelled, so that
        // it is ended in good order though the service be stopped.
        let isWritten = try await Task { [connection] in try await Self.writeTogether(writes, connection) }.value
        if isWritten { return plans.map { ($0.wish, .done(.imported($0.placement))) } }
        let middle = plans.startIndex + plans.count / 2
        return try await writeInTransaction(plans[..<middle]) + writeInTransaction(plans[middle...])
    }

    /// - Returns: whether all of it is written; else nothing is, because one of them was refused.
    private static func writeTogether(_ writes: [LDAPWrite], _ connection: LDAPConnection) async throws -> Bool {
        let transaction = try await connection.startTransaction()
        let taken = try await connection.perform(writes, in: transaction)
        if let lost = taken.lazy.compactMap(\.error).first(where: \.isTransient) { throw lost }
        try await Task.sleep(for: settlingPause)
        let isWhole = taken.allSatisfy { $0.error == nil }
        do {
            try await connection.end(transaction, commit: isWhole)
            return isWhole
        } catch let error as LDAPError where !error.isTransient {
            return false
        }
    }
}

extension EntryPlan {
    /// The attributes that it gives values.
    fileprivate var namesWritten: Set<String> {
        switch write {
        case .add(_, let attributes): Set(attributes.map { $0.name.lowercased() })
        case .modify(_, let modifications): Set(modifications.map { $0.attribute.lowercased() })
        case .rename, .delete, nil: []
        }
    }
}

extension Result {
    fileprivate var error: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
