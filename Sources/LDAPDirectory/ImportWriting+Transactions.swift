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
        let written =
            rest.count >= Self.transactionCountMin && session.hasTransactions
            ? try await writeInTransaction(rest[...]) : try await writeOneByOne(rest[...])
        return renamed.map { ($0.wish, .done(.imported($0.placement))) } + written
    }

    private func writeOneByOne(_ plans: ArraySlice<EntryPlan>) async throws -> [(Wish, Verdict)] {
        let results = try await connection.perform(plans.compactMap(\.write))
        return try zip(plans, results).map { plan, result in
            switch result {
            case .success: return (plan.wish, .done(.imported(plan.placement)))
            case .failure(let error):
                let verdict = try verdict(plan, error)
                guard plan.rename != nil, case .done(.refused(let reason, let answer)) = verdict else {
                    return (plan.wish, verdict)
                }
                // It stands at its new place, whatever else it lacks.
                return (plan.wish, .done(.incomplete(plan.placement, reason: reason, answer: answer)))
            }
        }
    }

    /// All or none; if none, the halves.
    private func writeInTransaction(_ plans: ArraySlice<EntryPlan>) async throws -> [(Wish, Verdict)] {
        guard plans.count > Self.bisectedCountMin else { return try await writeOneByOne(plans) }
        let transaction = try await connection.startTransaction()
        let taken = try await connection.perform(plans.compactMap(\.write), in: transaction)
        if let lost = taken.lazy.compactMap(\.error).first(where: \.isTransient) { throw lost }
        try await Task.sleep(for: Self.settlingPause)
        let isWhole = taken.allSatisfy { $0.error == nil }
        do {
            try await connection.end(transaction, commit: isWhole)
            if isWhole { return plans.map { ($0.wish, .done(.imported($0.placement))) } }
        } catch let error as LDAPError where !error.isTransient {
            // One of them was refused.
        }
        let middle = plans.startIndex + plans.count / 2
        return try await writeInTransaction(plans[..<middle]) + writeInTransaction(plans[middle...])
    }
}

extension Result {
    fileprivate var error: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
