import IncrementalSync
import LDAPClient
import Synchronization

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
            + (usesTransactions(for: rest.count)
                ? try await writeInTransactions(rest) : try await writeOneByOne(rest[...]))
    }

    func usesTransactions(for count: Int) -> Bool {
        session.hasTransactions && count >= Self.transactionCountMin
    }

    /// Each attribute is written outside of transactions first: see ``WrittenAttributes``.
    private func writeInTransactions(_ plans: [EntryPlan]) async throws -> [(Wish, Verdict)] {
        var met = session.writtenAttributes.names
        let isFirst = plans.map { plan in
            plan.namesWritten.reduce(false) { isFirst, name in met.insert(name).inserted || isFirst }
        }
        let first = zip(plans, isFirst).filter(\.1).map(\.0)
        let rest = zip(plans, isFirst).filter { !$0.1 }.map(\.0)
        guard !first.isEmpty else { return try await writeInTransaction(plans[...]) }
        let verdicts = try await writeOneByOne(first[...])
        for (plan, (_, verdict)) in zip(first, verdicts) {
            if case .done(.imported) = verdict { session.writtenAttributes.note(plan.namesWritten) }
        }
        let known = session.writtenAttributes.names
        let safe = rest.filter { $0.namesWritten.allSatisfy(known.contains) }
        let unsafe = rest.filter { !$0.namesWritten.allSatisfy(known.contains) }
        return verdicts + (try await writeInTransaction(safe[...])) + (try await writeOneByOne(unsafe[...]))
    }

    private func writeOneByOne(_ plans: ArraySlice<EntryPlan>) async throws -> [(Wish, Verdict)] {
        let results = try await session.writer.perform(plans.compactMap(\.write))
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
        let writes = plans.compactMap(\.write)
        // slapd (2.5) can crash when a connection ends inside a transaction: a task of its own is not cancelled, so that
        // it is ended in good order though the service be stopped.
        let isWritten = try await Task { [session] in try await Self.writeTogether(writes, session.writer) }.value
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
    /// The attributes that it gives values, as the mapping spells them.
    fileprivate var namesWritten: [String] {
        switch write {
        case .add(_, let attributes): attributes.map(\.name)
        case .modify(_, let modifications): modifications.map(\.attribute)
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

/// The attributes that have been written outside of transactions.
///
/// slapd (2.5, back-mdb) numbers the attributes of a database as it meets them. When a transaction is refused, it keeps in
/// memory, and not on disk, the numbers of those that it has met there first; an entry that is written with one later
/// cannot be read any more, nor can a search that comes across it end.
final class WrittenAttributes: Sendable {
    private let known = Mutex<Set<String>>([])

    var names: Set<String> { known.withLock { $0 } }

    func note(_ names: [String]) { known.withLock { $0.formUnion(names) } }
}
