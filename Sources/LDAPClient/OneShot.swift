import Synchronization

/// A value that is set once by anyone and awaited by one task. The first to finish it wins.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Value, any Error>)
        case finished(Result<Value, any Error>)
    }

    private let state = Mutex(State.pending)

    /// Sets the outcome. False when there was one already, which then stands.
    @discardableResult
    func finish(_ outcome: Result<Value, any Error>) -> Bool {
        let (won, continuation) = state.withLock { state -> (Bool, CheckedContinuation<Value, any Error>?) in
            switch state {
            case .finished:
                return (false, nil)
            case .pending:
                state = .finished(outcome)
                return (true, nil)
            case .awaited(let continuation):
                state = .finished(outcome)
                return (true, continuation)
            }
        }
        continuation?.resume(with: outcome)
        return won
    }

    /// Waits for the outcome. If the task is cancelled first, throws `CancellationError` after calling `onCancel`.
    func value(onCancel: @escaping @Sendable () -> Void) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Value, any Error>? in
                    if case .finished(let outcome) = state { return outcome }
                    state = .awaited(continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            if finish(.failure(CancellationError())) { onCancel() }
        }
    }
}
