import AddressBook
import IncrementalSync
import LDAPClient
import Synchronization

/// Additions and modifications are sent together, in a transaction if they may: most of an import is these.
extension ImportWriting {
    /// An import of fewer changes is written without transactions.
    static let importCountMin = 500
    /// What is written together of a large import is so in a transaction, and the refused one of it is looked for by halves,
    /// down to this: fewer gain little.
    private static let transactionCountMin = 125

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
        var notedCount = 0
        let transaction = GrowingTransaction(on: session.writer)
        for start in stride(from: 0, to: wishes.count, by: Self.plannedTogether) {
            for wish in wishes[start..<min(start + Self.plannedTogether, wishes.count)] {
                do {
                    let plan = try foreseen[wish.id]?.carriedOver(to: wish) ?? planner.plan(wish, from: nil)
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
            // A transaction is not begun for a few.
            guard ahead.count > Self.transactionCountMin else { continue }
            transaction.add(ahead[notedCount...].compactMap(\.write))
            notedCount = ahead.count
        }
        guard notedCount > 0 else {
            rest += ahead
            taken = []
            return verdicts
        }
        return verdicts + (try await end(transaction, of: ahead[...]))
    }
}

extension ImportSession {
    /// Plans for people that are new, as far as their containers are there. A plan is a function of the wish: one that turns
    /// out to be another is planned anew.
    func foresee(_ observations: [Observation], index: any PlaceIndex) async throws -> [EntryID: EntryPlan] {
        let entries = observations.compactMap { observation -> Entry? in
            guard case .change(.upsert(let entry)) = observation.content else { return nil }
            return entry.kind == .person || entry.kind == .contact ? entry : nil
        }
        let containers = entries.compactMap(\.container)
        let places = try await index.places(of: Array(Set(containers).union(entries.map(\.id))))
        var plans: [EntryID: EntryPlan] = Dictionary(minimumCapacity: entries.count)
        for (position, entry) in entries.enumerated() where places[entry.id] == nil {
            guard let container = container(of: entry, among: places) else { continue }
            plans[entry.id] = try? planner.plan(Wish(index: position, entry: entry, container: container), from: nil)
        }
        return plans
    }
}

extension EntryPlan {
    /// The plan for a wish that asks for the same; else nil.
    fileprivate func carriedOver(to wish: Wish) -> EntryPlan? {
        guard self.wish.entry == wish.entry, self.wish.container == wish.container, wish.members.isEmpty,
            !wish.isDisplaced
        else { return nil }
        var plan = self
        plan.wish = wish
        return plan
    }
}

/// A transaction that takes operations while others are still being made. It begins with the first of them, and if it is
/// dropped, nothing of it is written.
///
/// slapd (2.5) can crash when a connection ends inside a transaction: its task is nobody's child and is not cancelled, so that
/// it is ended in good order though the service be stopped.
private final class GrowingTransaction: Sendable {
    private enum Part: Sendable {
        case writes([LDAPWrite])
        case commit
    }

    private let parts: AsyncStream<Part>.Continuation
    private let task: Task<Bool, any Error>

    init(on connection: LDAPConnection) {
        let (stream, parts) = AsyncStream.makeStream(of: Part.self)
        self.parts = parts
        task = Task { try await Self.carryOut(stream, on: connection) }
    }

    deinit { parts.finish() }

    /// Hands operations to the server, which takes note of them. Does not wait for it.
    func add(_ writes: [LDAPWrite]) { parts.yield(.writes(writes)) }

    /// - Returns: whether all of it is written; else nothing is, because one of them was refused.
    func commit() async throws -> Bool {
        parts.yield(.commit)
        parts.finish()
        return try await task.value
    }

    private static func carryOut(_ parts: AsyncStream<Part>, on connection: LDAPConnection) async throws -> Bool {
        var transaction: LDAPTransaction?
        var isWanted = false
        var lost: LDAPError?
        try await withThrowingTaskGroup(of: [Result<LDAPResult, LDAPError>].self) { group in
            for await part in parts {
                guard case .writes(let writes) = part else {
                    isWanted = true
                    continue
                }
                let open = if let transaction { transaction } else { try await connection.startTransaction() }
                transaction = open
                group.addTask { try await connection.perform(writes, in: open) }
            }
            // All answers are waited for, whatever they say: an operation that is under way when the end comes may crash slapd.
            for try await errors in group.map({ $0.compactMap(\.error) }) {
                if !errors.isEmpty { isWanted = false }
                lost = lost ?? errors.first(where: \.isTransient)
            }
        }
        guard let transaction else { return isWanted }
        let isWritten = try await end(transaction, on: connection, commit: isWanted)
        if let lost { throw lost }
        return isWritten
    }

    /// slapd may still be answering the last operation when the end comes, and the end frees it.
    private static let settlingPause = Duration.milliseconds(5)

    private static func end(
        _ transaction: LDAPTransaction, on connection: LDAPConnection, commit: Bool
    ) async throws -> Bool {
        try await Task.sleep(for: settlingPause)
        do {
            try await connection.end(transaction, commit: commit)
            return commit
        } catch let error as LDAPError where !error.isTransient || !commit {
            // What was not wanted is not there either way.
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
