import AddressBook
import IncrementalSync

/// New containers of a large import.
extension ImportBatch {
    /// Writes new containers of all levels in one transaction: level by level, each would wait for the one above it. What the
    /// server does not take that way is left to be written level by level, which finds out why.
    mutating func importTrees(_ containers: Numbered<Entry>) async throws -> Numbered<Outcome> {
        let new = parentsFirst(containers).filter { place(of: $0.1.id) == nil }
        guard let first = new.first, session.writesAhead,
            ImportWriting(session: session).usesTransactions(for: new.count)
        else { return [] }
        var outcomes: Numbered<Outcome> = []
        // What all of them have must not be met in a transaction first: see ``WrittenAttributes``.
        if session.writtenAttributes.names.isEmpty {
            outcomes = try await importEntries([first])
            guard place(of: first.1.id) != nil else { return [] }
        }
        let levels = levels(of: outcomes.isEmpty ? new : Array(new.dropFirst()))
        guard levels.reduce(0, { $0 + $1.count }) >= ImportWriting.transactionCountMin else { return outcomes }
        let transaction = GrowingTransaction(on: session.writer)
        for level in levels { transaction.add(level.compactMap(\.write), dependsOnEarlier: true) }
        guard try await transaction.commit() else { return outcomes }
        for plan in levels.joined() {
            let outcome = Outcome.imported(plan.placement)
            note(outcome, of: plan.wish.entry, formerly: nil)
            outcomes.append((plan.wish.index, outcome))
        }
        return outcomes
    }

    /// Plans for those that can stand where they belong once the levels before theirs do.
    ///
    /// - Parameter containers: each after the one that holds it.
    private func levels(of containers: Numbered<Entry>) -> [[EntryPlan]] {
        let known = session.writtenAttributes.names
        var planned: [EntryID: (place: Place, level: Int)] = [:]
        var taken: Set<String> = []
        var levels: [[EntryPlan]] = []
        for (index, entry) in containers {
            let above = entry.container.flatMap { planned[$0] }
            guard let container = above?.place ?? container(of: entry),
                let plan = try? session.planner.plan(Wish(index: index, entry: entry, container: container), from: nil),
                plan.namesWritten.allSatisfy(known.contains), taken.insert(plan.placement.place.key).inserted
            else { continue }
            let level = above.map { $0.level + 1 } ?? 0
            planned[entry.id] = (plan.placement.place, level)
            if level == levels.count { levels.append([]) }
            levels[level].append(plan)
        }
        return levels
    }

    /// Those that hold each other, which only damaged data can have, in any order.
    private func parentsFirst(_ containers: Numbered<Entry>) -> Numbered<Entry> {
        let indices = Dictionary(
            containers.indices.map { (containers[$0].1.id, $0) }, uniquingKeysWith: { first, _ in first })
        var visited: Set<Int> = []
        var sorted: Numbered<Entry> = []
        for start in containers.indices {
            var path: [Int] = []
            var next: Int? = start
            while let index = next, visited.insert(index).inserted {
                path.append(index)
                next = containers[index].1.container.flatMap { indices[$0] }
            }
            sorted += path.reversed().map { containers[$0] }
        }
        return sorted
    }
}
