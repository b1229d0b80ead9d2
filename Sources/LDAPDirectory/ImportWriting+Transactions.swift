import IncrementalSync
import LDAPClient
import Synchronization

/// Additions and modifications are sent together, in a transaction if they may: most of an import is these.
extension ImportWriting {
    /// Fewer than this in a transaction gain little; and slapd (2.5) can crash when a small one ends at once.
    static let transactionCountMin = 500
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
        let transaction = GrowingTransaction(on: session.writer)
        transaction.add(plans.compactMap(\.write))
        return try await end(transaction, of: plans)
    }

    private func end(
        _ transaction: GrowingTransaction, of plans: ArraySlice<EntryPlan>
    ) async throws -> [(Wish, Verdict)] {
        if try await transaction.commit() { return plans.map { ($0.wish, .done(.imported($0.placement))) } }
        let middle = plans.startIndex + plans.count / 2
        return try await writeInTransaction(plans[..<middle]) + writeInTransaction(plans[middle...])
    }

    // MARK: - Writing while the rest is planned

    /// So many are planned before they are handed to the server.
    private static let plannedTogether = 125

    /// Whether the entries are all new: of such there is nothing to read, and nothing that has to go out of their way first.
    func mayWriteAhead(_ wishes: [Wish]) -> Bool {
        usesTransactions(for: wishes.count) && session.rules.adoption == nil && wishes.allSatisfy { $0.hint == nil }
    }

    /// Plans them, while the server takes note of what was planned before. What wants the same name as another one comes later,
    /// as does what has an attribute that must not be met in a transaction first: see ``WrittenAttributes``.
    ///
    /// - Parameters:
    ///   - taken: gets the keys of the places that are taken now.
    ///   - rest: gets the plans that are still to be carried out.
    func writeAhead(
        _ wishes: [Wish], taken: inout Set<String>, rest: inout [EntryPlan]
    ) async throws -> [(Wish, Verdict)] {
        let known = session.writtenAttributes.names
        var verdicts: [(Wish, Verdict)] = []
        var ahead: [EntryPlan] = []
        let transaction = GrowingTransaction(on: session.writer)
        do {
            for start in stride(from: 0, to: wishes.count, by: Self.plannedTogether) {
                let begin = ahead.count
                for wish in wishes[start..<min(start + Self.plannedTogether, wishes.count)] {
                    do {
                        let plan = try planner.plan(wish, from: nil)
                        let isSafe = plan.namesWritten.allSatisfy(known.contains)
                        if isSafe, taken.insert(plan.placement.place.key).inserted {
                            ahead.append(plan)
                        } else {
                            rest.append(plan)
                        }
                    } catch {
                        verdicts.append((wish, .done(try Outcome(of: error))))
                    }
                }
                transaction.add(ahead[begin...].compactMap(\.write))
            }
        } catch {
            await transaction.abandon()
            throw error
        }
        return verdicts + (try await end(transaction, of: ahead[...]))
    }
}

/// A transaction that takes operations while others are still being made. It begins with the first of them.
///
/// slapd (2.5) can crash when a connection ends inside a transaction: its task is nobody's child and is not cancelled, so that
/// it is ended in good order though the service be stopped.
private final class GrowingTransaction: Sendable {
    private enum Part: Sendable {
        case writes([LDAPWrite])
        case end(commit: Bool)
    }

    private let parts: AsyncStream<Part>.Continuation
    private let task: Task<Bool, any Error>

    init(on connection: LDAPConnection) {
        let (stream, parts) = AsyncStream.makeStream(of: Part.self)
        self.parts = parts
        task = Task { try await Self.carryOut(stream, on: connection) }
    }

    /// Hands operations to the server, which takes note of them. Does not wait for it.
    func add(_ writes: [LDAPWrite]) {
        if !writes.isEmpty { parts.yield(.writes(writes)) }
    }

    /// - Returns: whether all of it is written; else nothing is, because one of them was refused.
    func commit() async throws -> Bool {
        parts.yield(.end(commit: true))
        return try await task.value
    }

    /// Nothing of it is to be written.
    func abandon() async {
        parts.yield(.end(commit: false))
        _ = try? await task.value
    }

    private static func carryOut(_ parts: AsyncStream<Part>, on connection: LDAPConnection) async throws -> Bool {
        try await withThrowingTaskGroup(of: [Result<LDAPResult, LDAPError>].self) { group in
            var transaction: LDAPTransaction?
            for await part in parts {
                switch part {
                case .writes(let writes):
                    let open = if let transaction { transaction } else { try await connection.startTransaction() }
                    transaction = open
                    group.addTask { try await connection.perform(writes, in: open) }
                case .end(let wantsCommit):
                    guard let transaction else { return true }
                    var isWhole = wantsCommit
                    for try await taken in group {
                        let errors = taken.compactMap(\.error)
                        if let lost = errors.first(where: \.isTransient) { throw lost }
                        if !errors.isEmpty { isWhole = false }
                    }
                    return try await end(transaction, on: connection, commit: isWhole)
                }
            }
            return false
        }
    }

    /// slapd may still be answering the last operation when the end comes, and the end frees it.
    private static let settlingPause = Duration.milliseconds(8)

    private static func end(
        _ transaction: LDAPTransaction, on connection: LDAPConnection, commit: Bool
    ) async throws -> Bool {
        try await Task.sleep(for: settlingPause)
        do {
            try await connection.end(transaction, commit: commit)
            return commit
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
