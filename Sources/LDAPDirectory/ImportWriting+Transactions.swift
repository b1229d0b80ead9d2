import IncrementalSync
import LDAPClient
import Synchronization

/// Additions and modifications are sent together, in a transaction if they may: most of an import is these.
extension ImportWriting {
    /// An import of fewer changes is written without transactions.
    static let importCountMin = 500
    /// What is written together of a large import is so in a transaction, and the refused one of it is looked for by halves,
    /// down to this: fewer gain little.
    static let transactionCountMin = 125

    /// - Parameter plans: those that have been renamed, as far as they had to be.
    func write(_ plans: [EntryPlan]) async throws -> [(Wish, Verdict)] {
        let renamed = plans.filter { $0.write == nil }
        let rest = plans.filter { $0.write != nil }
        return renamed.map { ($0.wish, .done(.imported($0.placement))) }
            + (usesTransactions(for: rest.count)
                ? try await writeInTransactions(rest) : try await writeOneByOne(rest[...]))
    }

    func usesTransactions(for count: Int) -> Bool {
        session.hasTransactions && session.isLarge && count >= Self.transactionCountMin
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
        let known = session.writtenAttributes.names
        let safe = rest.filter { $0.namesWritten.allSatisfy(known.contains) }
        let unsafe = rest.filter { !$0.namesWritten.allSatisfy(known.contains) }
        return verdicts + (try await writeInTransaction(safe[...])) + (try await writeOneByOne(unsafe[...]))
    }

    private func writeOneByOne(_ plans: ArraySlice<EntryPlan>) async throws -> [(Wish, Verdict)] {
        let results = try await session.writer.perform(plans.compactMap(\.write))
        if session.hasTransactions {
            for case (let plan, .success) in zip(plans, results) { session.writtenAttributes.note(plan.namesWritten) }
        }
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
        guard plans.count > Self.transactionCountMin else { return try await writeOneByOne(plans) }
        let transaction = GrowingTransaction(on: session.writer)
        transaction.add(plans.compactMap(\.write))
        return try await end(transaction, of: plans)
    }

    func end(
        _ transaction: GrowingTransaction, of plans: ArraySlice<EntryPlan>
    ) async throws -> [(Wish, Verdict)] {
        if try await transaction.commit() { return plans.map { ($0.wish, .done(.imported($0.placement))) } }
        let middle = plans.startIndex + plans.count / 2
        return try await writeInTransaction(plans[..<middle]) + writeInTransaction(plans[middle...])
    }
}

extension EntryPlan {
    /// The attributes that it gives values, as the mapping spells them.
    var namesWritten: [String] {
        switch write {
        case .add(_, let attributes): attributes.map(\.name)
        case .modify(_, let modifications): modifications.map(\.attribute)
        case .rename, .delete, nil: []
        }
    }
}

extension Result {
    var error: Failure? {
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
