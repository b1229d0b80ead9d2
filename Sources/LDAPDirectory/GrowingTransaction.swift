import LDAPClient

/// A transaction that takes operations while others are still being made. It begins with the first of them, and if it is
/// dropped, nothing of it is written.
///
/// slapd (2.5) can crash when a connection ends inside a transaction: its task is nobody's child and is not cancelled, so that
/// it is ended in good order though the service be stopped.
final class GrowingTransaction: Sendable {
    private enum Part: Sendable {
        case writes([LDAPWrite], dependsOnEarlier: Bool)
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

    /// Hands operations to the server, which takes note of them in any order. Does not wait for it.
    ///
    /// - Parameter dependsOnEarlier: they have to be carried out after those that were added before.
    func add(_ writes: [LDAPWrite], dependsOnEarlier: Bool = false) {
        parts.yield(.writes(writes, dependsOnEarlier: dependsOnEarlier))
    }

    /// Asked again, it says the same again.
    ///
    /// - Returns: whether all of it is written; else nothing is, because one of them was refused, or all of it was abandoned.
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
        var isRefused = false
        var lost: LDAPError?
        try await withThrowingTaskGroup(of: [Result<LDAPResult, LDAPError>].self) { group in
            // All answers are waited for, whatever they say: an operation that is under way when the end comes may crash slapd.
            func waitForAnswers() async throws {
                while let errors = try await group.next()?.compactMap(\.error) {
                    if !errors.isEmpty { isRefused = true }
                    lost = lost ?? errors.first(where: \.isTransient)
                }
            }
            for await part in parts {
                guard case .writes(let writes, let dependsOnEarlier) = part else {
                    isWanted = true
                    continue
                }
                if dependsOnEarlier { try await waitForAnswers() }
                if isRefused { continue }
                do {
                    let open = if let transaction { transaction } else { try await connection.startTransaction() }
                    transaction = open
                    group.addTask { try await connection.perform(writes, in: open) }
                } catch let error as LDAPError where !error.isTransient {
                    isRefused = true
                }
            }
            try await waitForAnswers()
        }
        guard let transaction else { return isWanted && !isRefused }
        let isWritten = try await end(transaction, on: connection, commit: isWanted && !isRefused)
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
