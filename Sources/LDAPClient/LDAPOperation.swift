/// What is asked of the server.
enum LDAPRequest: Sendable {
    case add(dn: String, attributes: [LDAPAttribute])
    case modify(dn: String, modifications: [LDAPModification])
    case rename(dn: String, newRDN: String, deleteOldRDN: Bool, newSuperior: String?)
    case delete(dn: String)
    case compare(dn: String, attribute: String, value: [UInt8])
    case extended(oid: String, value: [UInt8]?)
    case search(SearchRequest)

    /// The operation's name in errors.
    var name: String {
        switch self {
        case .add: "add"
        case .modify: "modify"
        case .rename: "rename"
        case .delete: "delete"
        case .compare: "compare"
        case .extended: "extended"
        case .search: "search"
        }
    }

    /// What the operation is about, in errors.
    var subject: String {
        switch self {
        case .add(let dn, _), .modify(let dn, _), .rename(let dn, _, _, _), .delete(let dn), .compare(let dn, _, _): dn
        case .extended(let oid, _): oid
        case .search(let request): request.base
        }
    }
}

/// The parameters of a search (RFC 4511, section 4.5.1).
struct SearchRequest: Sendable {
    var base: String
    var scope: LDAPScope
    var filter: String
    var attributes: [String]
    var sizeLimit: Int32
    var timeLimitSeconds: Int
    /// Whether silence is normal, so that it is no timeout.
    var isPersistent: Bool
}

/// One operation on its way from a task to the connection's thread.
struct LDAPOperation: Sendable {
    /// Who is told.
    enum Receiver: Sendable {
        case single(OneShot<LDAPResult>)
        /// One of many, by its index.
        case batch(BatchOutcome, Int)
        case search(SearchBuffer)
    }

    /// Unique in its connection; message IDs exist only once the request has been sent.
    let id: UInt64
    let request: LDAPRequest
    let controls: [LDAPControl]
    let receiver: Receiver
    /// Part of a transaction: the server takes note of it and no more.
    var isNoted = false

    /// Ends the operation with an error. Does nothing if it has ended.
    func fail(_ error: LDAPError) {
        switch receiver {
        case .single(let outcome): outcome.finish(.failure(error))
        case .batch(let batch, let index): batch.finish(index, .failure(error))
        case .search(let buffer): buffer.finish(.failure(error))
        }
    }

    /// The error of this operation with that code.
    func error(_ code: LDAPResultCode, _ message: String) -> LDAPError {
        LDAPError(code: code, operation: request.name, subject: request.subject, diagnosticMessage: message)
    }

    /// Ends the operation with the server's result, which is an error unless it is a success.
    func complete(_ result: LDAPResult) {
        let outcome: Result<LDAPResult, LDAPError> =
            result.isSuccess
            ? .success(result)
            : .failure(LDAPError(result: result, operation: request.name, subject: request.subject))
        switch receiver {
        case .single(let oneShot): oneShot.finish(outcome.mapError { $0 })
        case .batch(let batch, let index): batch.finish(index, outcome)
        case .search(let buffer): buffer.finish(outcome.mapError { $0 }, result: result)
        }
    }

    var isSearch: Bool {
        if case .search = receiver { return true }
        return false
    }

    /// Whether this is a search whose consumer is behind.
    var isBehind: Bool {
        if case .search(let buffer) = receiver { return buffer.isFull }
        return false
    }
}
