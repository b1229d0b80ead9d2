import AddressBook
import IncrementalSync
import LDAPClient

/// Entries get their names before anything else is written: one that is new may want a name that another one has left.
extension ImportWriting {
    /// Renames in turns, each time those that no other of the batch stands in the way of. Before another entry takes an
    /// old name, the groups that have it as a member name the entry by its new one.
    ///
    /// - Parameter plans: keeps those that are to be written on.
    func rename(_ plans: inout [EntryPlan]) async throws -> [(Wish, Verdict)] {
        var verdicts: [(Wish, Verdict)] = []
        var waiting = plans.filter { $0.rename != nil }
        plans.removeAll { $0.rename != nil }
        while !waiting.isEmpty {
            let occupied = Set(waiting.compactMap(\.here?.normalized))
            var ready = waiting.filter { !occupied.contains($0.placement.place.key) }
            if ready.isEmpty, waiting[0].wish.isDisplaced {
                ready = [waiting[0]]
            } else if ready.isEmpty {
                // They want each other's places. One steps aside until all have come.
                do {
                    try waiting[0].stepAside(planner)
                } catch {
                    verdicts.append((waiting.removeFirst().wish, .done(try Outcome(of: error))))
                }
                plans += waiting.filter { $0.rename == nil }
                waiting.removeAll { $0.rename == nil }
                continue
            }
            let ids = Set(ready.map(\.wish.id))
            waiting.removeAll { ids.contains($0.wish.id) }
            var renamed: [EntryPlan] = []
            for (plan, result) in zip(ready, try await session.writer.perform(ready.compactMap(\.rename))) {
                switch result {
                case .success: renamed.append(plan)
                case .failure(let error): verdicts.append((plan.wish, try verdict(plan, error)))
                }
            }
            verdicts += try await renameMembers(of: &renamed) { $0.move }
            plans += renamed
        }
        verdicts += try nameMembersAnew(in: &plans)
        return verdicts
    }

    /// Groups that have one another as members: those whose plan names one by a name that it has left are planned anew.
    ///
    /// - Parameter plans: keeps the others.
    private func nameMembersAnew(in plans: inout [EntryPlan]) throws -> [(Wish, Verdict)] {
        let moves = plans.filter { $0.wish.entry.kind == .group }.compactMap(\.move)
        guard !moves.isEmpty else { return [] }
        let names = Dictionary(moves.map { ($0.old, $0.new) }, uniquingKeysWith: { first, _ in first })
        var verdicts: [(Wish, Verdict)] = []
        for plan in plans {
            var wish = plan.wish
            wish.members = try wish.members.map { member in
                guard let old = member.text.flatMap({ try? LDAPDN($0) }), let new = names[old] else { return member }
                return Value(try new.string())
            }
            guard wish.members != plan.wish.members else { continue }
            if plan.rename != nil { wish.hint = plan.placement.place }
            verdicts.append((wish, .again))
        }
        let again = Set(verdicts.map(\.0.id))
        plans.removeAll { again.contains($0.wish.id) }
        return verdicts
    }

    /// An earlier attempt may have been interrupted between a rename and the groups.
    func finishRenames(of plans: inout [EntryPlan]) async throws -> [(Wish, Verdict)] {
        var moves: [EntryID: GroupMembers.Move] = [:]
        for plan in plans {
            guard let hint = plan.wish.hint, let here = plan.here, hint.key != plan.placement.place.key else {
                continue
            }
            moves[plan.wish.id] = try await GroupMembers(session: session).unfinished(
                from: hint, to: here, isContainer: plan.wish.entry.kind == .container)
        }
        return try await renameMembers(of: &plans) { moves[$0.wish.id] }
    }

    /// - Parameter plans: keeps those that no group goes on naming as before.
    private func renameMembers(
        of plans: inout [EntryPlan], _ move: (EntryPlan) -> GroupMembers.Move?
    ) async throws -> [(Wish, Verdict)] {
        let refusals = try await GroupMembers(session: session).rename(plans.compactMap(move))
        guard !refusals.isEmpty else { return [] }
        var verdicts: [(Wish, Verdict)] = []
        for plan in plans {
            guard let error = move(plan).flatMap({ refusals[$0.old] }) else { continue }
            verdicts.append((plan.wish, .done(try Outcome(of: error))))
        }
        plans.removeAll { move($0).map { refusals[$0.old] != nil } ?? false }
        return verdicts
    }
}

extension EntryPlan {
    /// What its rename does to its DN.
    fileprivate var move: GroupMembers.Move? {
        guard rename != nil, let here, let there = try? LDAPDN(placement.place.text) else { return nil }
        return GroupMembers.Move(old: here, new: there, isContainer: wish.entry.kind == .container)
    }
}
