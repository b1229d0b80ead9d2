import LDAPClient

/// A transaction that takes operations while others are still being made. It begins with the first of them, and if it is
/// dropped, nothing of it is written.
///
/// slapd (2.5) can crash when a connection ends inside a transaction: its task is nobody's child and is not cancelled, so that
/// it is ended in good order though the service be stopped.
final class GrowingTransaction: Sendable {
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

    /// Nothing of it is written. It has ended when this returns.
    func abandon() async {
        parts.finish()
        _ = try? await task.value
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
