import AddressBook
import IncrementalSync
import LDAPClient

/// Of a large import of new entries, the server takes note of some while others are still being planned.
extension ImportWriting {
    /// So many are planned before they are handed to the server.
    private static let plannedTogether = 125

    /// Whether the entries are all new: of such there is nothing to read, and nothing that has to go out of their way first.
    func mayWriteAhead(_ wishes: [Wish]) -> Bool {
        session.writesAhead && usesTransactions(for: wishes.count) && wishes.allSatisfy { $0.hint == nil }
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
        let (transaction, noted) = await begun(for: wishes)
        var ahead = noted
        taken = Set(ahead.map(\.placement.place.key))
        var notedCount = ahead.count
        var failure: (any Error)?
        let notedIDs = Set(noted.map(\.wish.id))
        let others = noted.isEmpty ? wishes : wishes.filter { !notedIDs.contains($0.id) }
        for start in stride(from: 0, to: others.count, by: Self.plannedTogether) {
            for wish in others[start..<min(start + Self.plannedTogether, others.count)] {
                do {
                    let plan = try foreseen[wish.id]?.carriedOver(to: wish) ?? planner.plan(wish, from: nil)
                    let isSafe = plan.namesWritten.allSatisfy(known.contains)
                    if isSafe, taken.insert(plan.placement.place.key).inserted {
                        ahead.append(plan)
                    } else {
                        rest.append(plan)
                    }
                } catch {
                    do { verdicts.append((wish, .done(try Outcome(of: error)))) } catch { failure = error }
                }
            }
            // A transaction is not begun for a few.
            guard ahead.count > Self.transactionCountMin else { continue }
            transaction.add(ahead[notedCount...].compactMap(\.write))
            notedCount = ahead.count
        }
        if let failure {
            await transaction.abandon()
            throw failure
        }
        guard notedCount > 0 else {
            rest += ahead
            taken = []
            return verdicts
        }
        return verdicts + (try await end(transaction, of: ahead[...]))
    }

    /// The transaction with what the server has taken note of, if all of that is wished; else that is written off, and the
    /// transaction is a new one.
    private func begun(for wishes: [Wish]) async -> (GrowingTransaction, [EntryPlan]) {
        if let noted {
            let known = Dictionary(wishes.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            let plans = noted.plans
            let wanted = plans.compactMap { plan in known[plan.wish.id].flatMap { plan.carriedOver(to: $0) } }
            if wanted.count == plans.count, !wanted.isEmpty { return (noted.transaction, wanted) }
            await noted.transaction.abandon()
        }
        return (GrowingTransaction(on: session.writer), [])
    }
}

extension ImportSession {
    /// Whether what is new may be written while the rest is planned, once the import is large.
    var writesAhead: Bool { hasTransactions && rules.adoption == nil }

    /// Plans for people that are new, as far as their containers are there. A plan is a function of the wish: one that turns
    /// out to be another is planned anew.
    ///
    /// Where all of them are new, the server takes note of those that may be written together, unless they are few.
    ///
    /// - Parameter begin: begins that; nil if nothing is to be noted.
    /// - Returns: those that the server has not taken note of.
    func foresee(
        _ observations: [Observation], index: any PlaceIndex, begin: @Sendable () async -> NotedPlans?
    ) async throws -> [EntryID: EntryPlan] {
        let entries = observations.compactMap { observation -> Entry? in
            guard case .change(.upsert(let entry)) = observation.content else { return nil }
            return entry.kind == .person || entry.kind == .contact ? entry : nil
        }
        let containers = entries.compactMap(\.container)
        let places = try await index.places(of: Array(Set(containers).union(entries.map(\.id))))
        let written = writtenAttributes.names
        var mayNote = entries.allSatisfy { places[$0.id] == nil }
        var noted: NotedPlans?
        var plans: [EntryID: EntryPlan] = Dictionary(minimumCapacity: entries.count)
        var taken: Set<String> = []
        var ready: [EntryPlan] = []
        for (position, entry) in entries.enumerated() where places[entry.id] == nil {
            guard let container = container(of: entry, among: places),
                let plan = try? planner.plan(Wish(index: position, entry: entry, container: container), from: nil)
            else { continue }
            guard mayNote, plan.namesWritten.allSatisfy(written.contains),
                taken.insert(plan.placement.place.key).inserted
            else {
                plans[entry.id] = plan
                continue
            }
            ready.append(plan)
            guard ready.count > ImportWriting.transactionCountMin else { continue }
            if noted == nil { noted = await begin() }
            guard let noted else {
                mayNote = false
                continue
            }
            noted.add(ready)
            ready = []
        }
        for plan in ready { plans[plan.wish.id] = plan }
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
