import Synchronization

/// One operation that changes an entry, for ``LDAPConnection/perform(_:in:)``.
public enum LDAPWrite: Sendable {
    /// See ``LDAPConnection/add(dn:attributes:controls:)``.
    case add(dn: String, attributes: [LDAPAttribute])
    /// See ``LDAPConnection/modify(dn:_:controls:)``.
    case modify(dn: String, modifications: [LDAPModification])
    /// See ``LDAPConnection/rename(dn:newRDN:deleteOldRDN:newSuperior:controls:)``.
    case rename(dn: String, newRDN: String, deleteOldRDN: Bool, newSuperior: String? = nil)
    /// See ``LDAPConnection/delete(dn:controls:)``.
    case delete(dn: String)

    var request: LDAPRequest {
        switch self {
        case .add(let dn, let attributes): .add(dn: dn, attributes: attributes)
        case .modify(let dn, let modifications): .modify(dn: dn, modifications: modifications)
        case .rename(let dn, let newRDN, let deleteOldRDN, let newSuperior):
            .rename(dn: dn, newRDN: newRDN, deleteOldRDN: deleteOldRDN, newSuperior: newSuperior)
        case .delete(let dn): .delete(dn: dn)
        }
    }
}

extension LDAPConnection {
    /// Performs many operations, as many at a time as may be in flight; the server may carry them out in any order.
    /// Cheaper than a task for each: the connection's thread is woken once, and so is the caller.
    ///
    /// - Parameter transaction: the transaction that they become part of; then success says that the server has taken
    ///   note of an operation, and only the transaction's end carries it out.
    /// - Returns: one outcome for each, in their order.
    /// - Throws: `CancellationError` when the task is cancelled; what has been sent may have been carried out.
    public func perform(
        _ writes: [LDAPWrite], in transaction: LDAPTransaction? = nil
    ) async throws -> [Result<LDAPResult, LDAPError>] {
        guard !writes.isEmpty else { return [] }
        return try await perform(writes.map(\.request), in: transaction)
    }
}

/// Gathers the outcomes of operations that are performed together.
final class BatchOutcome: Sendable {
    private struct State {
        var outcomes: [Result<LDAPResult, LDAPError>?]
        var pending: Int
    }

    private let state: Mutex<State>
    let all = OneShot<[Result<LDAPResult, LDAPError>]>()

    init(count: Int) {
        state = Mutex(State(outcomes: Array(repeating: nil, count: count), pending: count))
    }

    func finish(_ index: Int, _ outcome: Result<LDAPResult, LDAPError>) {
        let outcomes: [Result<LDAPResult, LDAPError>]? = state.withLock { state in
            guard state.outcomes[index] == nil else { return nil }
            state.outcomes[index] = outcome
            state.pending -= 1
            return state.pending == 0 ? state.outcomes.compactMap(\.self) : nil
        }
        if let outcomes { all.finish(.success(outcomes)) }
    }
}
