import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Makes entries right that do not depend on each other: reads what is there of them, has it planned, and writes all
/// plans together. Where something was in the way, or has changed since it was read, it looks again.
struct ImportWriting {
    let session: ImportSession
    /// See ``ImportSession/foresee(_:index:)``.
    var foreseen: [EntryID: EntryPlan] = [:]
    /// Those of them that the server has taken note of.
    var noted: NotedPlans?

    var planner: EntryPlanner { session.planner }

    /// Somebody else may change the same entries at the same time; not so often in a row.
    private static let looksMax = 5

    enum Verdict: Sendable {
        case done(Outcome)
        /// Something is in the way of the plan, or what it was made from is not so any more.
        case blocked(EntryPlan, LDAPError)
        /// The wish has become another one.
        case again
    }

    /// - Returns: what became of each, in no order.
    func carryOut(_ wishes: [Wish]) async throws -> [(Wish, Outcome)] {
        var outcomes: [(Wish, Outcome)] = []
        var rest = wishes
        for look in 1...Self.looksMax where !rest.isEmpty {
            var blocked: [(plan: EntryPlan, error: LDAPError)] = []
            var again: [Wish] = []
            for (wish, verdict) in try await attempt(rest) {
                switch verdict {
                case .done(let outcome): outcomes.append((wish, outcome))
                case .blocked(let plan, let error): blocked.append((plan, error))
                case .again: again.append(wish)
                }
            }
            rest = again
            for (plan, error) in blocked {
                let next = look < Self.looksMax ? try await lookAround(plan, error) : .done(try Outcome(of: error))
                switch next {
                case .again(let wish): rest.append(wish)
                case .done(let outcome): outcomes.append((plan.wish, outcome))
                }
            }
        }
        return outcomes
    }

    private func attempt(_ wishes: [Wish]) async throws -> [(Wish, Verdict)] {
        var plans: [EntryPlan] = []
        var taken: Set<String> = []
        var verdicts =
            mayWriteAhead(wishes)
            ? try await writeAhead(wishes, taken: &taken, rest: &plans) : try await plan(wishes, into: &plans)
        verdicts += try settleNames(of: &plans, taken: taken)
        verdicts += try await finishRenames(of: &plans)
        verdicts += try await claim(&plans)
        for plan in plans where plan.isNothing { verdicts.append((plan.wish, .done(.unchanged(plan.placement)))) }
        plans.removeAll(where: \.isNothing)
        verdicts += try await rename(&plans)
        verdicts += try await write(plans)
        return verdicts
    }

    // MARK: - Reading and planning

    /// So many entries are read and planned before what was planned first is written.
    private static let readTogether = 100

    /// Reads and plans part by part. A plan that changes nothing but values depends on no other: it is carried out while
    /// the next part is being read.
    ///
    /// - Parameter plans: gets those that are still to be carried out.
    private func plan(_ wishes: [Wish], into plans: inout [EntryPlan]) async throws -> [(Wish, Verdict)] {
        var verdicts: [(Wish, Verdict)] = []
        let mayWrite = !usesTransactions(for: wishes.count)
        try await withThrowingTaskGroup(of: [(Wish, Verdict)].self) { group in
            for start in stride(from: 0, to: wishes.count, by: Self.readTogether) {
                var ready: [EntryPlan] = []
                let part = wishes[start..<min(start + Self.readTogether, wishes.count)]
                for found in try await standing(Array(part)) {
                    do {
                        let plan = try planner.plan(found.wish, from: try found.current.get())
                        if mayWrite, plan.changesValuesOnly { ready.append(plan) } else { plans.append(plan) }
                    } catch {
                        verdicts.append((found.wish, .done(try Outcome(of: error))))
                    }
                }
                guard !ready.isEmpty else { continue }
                group.addTask { [ready] in try await write(ready) }
            }
            for try await written in group { verdicts += written }
        }
        return verdicts
    }

    private func standing(_ wishes: [Wish]) async throws -> [Adoption.Found] {
        let known = wishes.filter { $0.hint != nil }
        let attributes = Set(known.map(\.entry.kind)).flatMap { planner.attributes(for: $0) }
        let sought = known.compactMap { wish in wish.hint.map { (id: wish.id, place: $0) } }
        let found = try await session.find(sought, attributes: Array(Set(attributes)))
        let standing = known.map { Adoption.Found(wish: $0, current: .success(found[$0.id])) }
        let new = wishes.filter { $0.hint == nil }
        guard let attribute = session.rules.adoption else {
            return standing + new.map { Adoption.Found(wish: $0, current: .success(nil)) }
        }
        return standing + (try await Adoption(by: attribute, in: session).find(new))
    }

    /// Where entries of the batch want one place, the one with the lowest ID has it, unless it is taken.
    private func settleNames(of plans: inout [EntryPlan], taken: Set<String>) throws -> [(Wish, Verdict)] {
        var first: [String: Int] = [:]
        var verdicts: [(Wish, Verdict)] = []
        for index in plans.indices {
            let key = plans[index].placement.place.key
            var displaced = index
            if !taken.contains(key) {
                guard let other = first[key] else {
                    first[key] = index
                    continue
                }
                displaced = plans[index].wish.id < plans[other].wish.id ? other : index
                if displaced == other { first[key] = index }
            }
            do {
                try plans[displaced].stepAside(planner)
            } catch {
                verdicts.append((plans[displaced].wish, .done(try Outcome(of: error))))
            }
        }
        let impossible = Set(verdicts.map(\.0.id))
        if !impossible.isEmpty { plans.removeAll { impossible.contains($0.wish.id) } }
        return verdicts
    }

    // MARK: - Adopting

    /// Entries that are adopted get their stamps first: what the server refuses then has changed nothing, and after an
    /// interruption they are known by them.
    ///
    /// - Parameter plans: keeps those that are ours now, and plans for them what else they lack.
    private func claim(_ plans: inout [EntryPlan]) async throws -> [(Wish, Verdict)] {
        let claims = plans.filter { $0.claim != nil }
        guard !claims.isEmpty else { return [] }
        plans.removeAll { $0.claim != nil }
        var verdicts: [(Wish, Verdict)] = []
        for (var plan, result) in zip(claims, try await session.writer.perform(claims.compactMap(\.claim))) {
            switch result {
            case .success:
                plan.wish.hint = try plan.here?.place
                plans.append(plan)
            case .failure(let error): verdicts.append((plan.wish, .done(try Outcome(of: error))))
            }
        }
        return verdicts
    }

    // MARK: - Refusals

    func verdict(_ plan: EntryPlan, _ error: LDAPError) throws -> Verdict {
        switch error.code {
        case .entryAlreadyExists, .noSuchAttribute, .attributeOrValueExists, .assertionFailed: .blocked(plan, error)
        case .noSuchObject where plan.here != nil || plan.wish.entry.parent != nil: .blocked(plan, error)
        case .constraintViolation, .invalidAttributeSyntax:
            .done(.refused(reason: explain(error, plan), answer: error.answer))
        default: .done(try Outcome(of: error))
        }
    }

    private func explain(_ error: LDAPError, _ plan: EntryPlan) -> String {
        guard let excess = plan.write.flatMap(planner.rules.excess) else { return error.description }
        return "\(error); \(excess)"
    }
}

extension EntryPlan {
    /// Another entry has the place that this one wants.
    mutating func stepAside(_ planner: EntryPlanner) throws {
        var displaced = wish
        displaced.isDisplaced = true
        self = try planner.plan(displaced, from: current)
    }
}

extension Outcome {
    /// What the refusal of an operation means for its entry. Throws what says that the server as a whole cannot be
    /// used.
    init(of error: any Error) throws {
        if let unfit = error as? UnfitEntry {
            self = .refused(reason: unfit.reason)
            return
        }
        guard let error = error as? LDAPError, !error.isTransient else { throw error }
        switch error.code {
        case .referral: throw DirectoryError(readOnly: error)
        case .noSuchObject, .notAllowedOnNonLeaf: self = .waiting(reason: error.description, answer: error.answer)
        default: self = .refused(reason: error.description, answer: error.answer)
        }
    }
}

extension LDAPError {
    var answer: ServerAnswer? {
        // Negative codes are libldap's own: no server was asked.
        guard code.rawValue >= 0 else { return nil }
        return ServerAnswer(
            operation: operation, dn: subject, resultCode: Int(code.rawValue), message: diagnosticMessage)
    }
}

/// An entry that the directory would not take, as far as can be said beforehand.
struct UnfitEntry: Error {
    var reason: String
}
