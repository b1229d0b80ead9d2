import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Makes entries right that do not depend on each other: reads what is there of them, has it planned, and writes all
/// plans together. Where something was in the way, or has changed since it was read, it looks again.
struct ImportWriting {
    let session: ImportSession

    var connection: LDAPConnection { session.connection }
    var planner: EntryPlanner { session.planner }

    /// Somebody else may change the same entries at the same time; not so often in a row.
    private static let looksMax = 5

    enum Verdict: Sendable {
        case done(Outcome)
        /// Something is in the way of the plan, or what it was made from is not so any more.
        case blocked(EntryPlan, LDAPError)
    }

    /// - Returns: what became of each, in no order.
    func carryOut(_ wishes: [Wish]) async throws -> [(Wish, Outcome)] {
        var outcomes: [(Wish, Outcome)] = []
        var rest = wishes
        for look in 1...Self.looksMax where !rest.isEmpty {
            var blocked: [(plan: EntryPlan, error: LDAPError)] = []
            for (wish, verdict) in try await attempt(rest) {
                switch verdict {
                case .done(let outcome): outcomes.append((wish, outcome))
                case .blocked(let plan, let error): blocked.append((plan, error))
                }
            }
            rest = []
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
        var verdicts: [(Wish, Verdict)] = []
        var plans: [EntryPlan] = []
        for found in try await standing(wishes) {
            do {
                plans.append(try planner.plan(found.wish, from: try found.current.get()))
            } catch {
                verdicts.append((found.wish, .done(try Outcome(of: error))))
            }
        }
        try settleNames(of: &plans)
        verdicts += try await finishRenames(of: &plans)
        verdicts += try await claim(&plans)
        for plan in plans where plan.isNothing { verdicts.append((plan.wish, .done(.unchanged(plan.placement)))) }
        plans.removeAll(where: \.isNothing)
        verdicts += try await rename(&plans)
        verdicts += try await write(plans)
        return verdicts
    }

    // MARK: - Reading

    private func standing(_ wishes: [Wish]) async throws -> [Adoption.Found] {
        let (session, planner) = (session, planner)
        let known = wishes.filter { $0.hint != nil }
        let found = try await session.inFlight(known) { wish in
            try await session.find(wish.id, at: wish.hint, attributes: planner.attributes(for: wish.entry.kind))
        }
        let standing = zip(known, found).map { Adoption.Found(wish: $0, current: .success($1)) }
        let new = wishes.filter { $0.hint == nil }
        guard let attribute = session.rules.adoption else {
            return standing + new.map { Adoption.Found(wish: $0, current: .success(nil)) }
        }
        return standing + (try await Adoption(by: attribute, in: session).find(new))
    }

    /// Where entries of the batch want one place, the one with the lowest ID has it.
    private func settleNames(of plans: inout [EntryPlan]) throws {
        var first: [String: Int] = [:]
        for index in plans.indices {
            let key = plans[index].placement.place.key
            guard let other = first[key] else {
                first[key] = index
                continue
            }
            let displaced = plans[index].wish.id < plans[other].wish.id ? other : index
            if displaced == other { first[key] = index }
            try plans[displaced].stepAside(planner)
        }
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
        for (var plan, result) in zip(claims, try await connection.perform(claims.compactMap(\.claim))) {
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
