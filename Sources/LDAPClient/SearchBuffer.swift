import Synchronization

/// What has arrived of a search and was not taken yet. One side is the connection's thread, the other one consumer.
final class SearchBuffer: Sendable {
    private struct State {
        var events: [LDAPSearchEvent] = []
        var byteCount = 0
        var consumer: CheckedContinuation<[LDAPSearchEvent]?, any Error>?
        var outcome: Result<LDAPResult, any Error>?
        var isOutcomeTaken = false
        var result: LDAPResult?
    }

    /// At this many events, or bytes of values, the thread is asked to pause.
    static let eventsMax = 256
    static let bytesMax = 4 << 20

    private let state = Mutex(State())

    private static func isFull(_ state: State) -> Bool {
        state.events.count >= eventsMax || state.byteCount >= bytesMax
    }

    /// Whether the consumer is behind.
    var isFull: Bool { state.withLock { Self.isFull($0) } }

    /// The server's result, once it has come, whatever its code.
    var result: LDAPResult? { state.withLock { $0.result } }

    /// Adds what has arrived; `byteCount` is roughly its size.
    func append(_ events: [LDAPSearchEvent], byteCount: Int) {
        let consumer = state.withLock { state -> CheckedContinuation<[LDAPSearchEvent]?, any Error>? in
            guard state.outcome == nil else { return nil }
            if let consumer = state.consumer {
                state.consumer = nil
                return consumer
            }
            state.events += events
            state.byteCount += byteCount
            return nil
        }
        consumer?.resume(returning: events)
    }

    /// Ends the search: after the events that are there, the consumer sees the end or the error. The first end
    /// stands; false when there was one. `discardingEvents` is for a search that nobody wants any more.
    @discardableResult
    func finish(
        _ outcome: Result<LDAPResult, any Error>,
        result: LDAPResult? = nil,
        discardingEvents: Bool = false
    ) -> Bool {
        let (won, consumer) = state.withLock { state -> (Bool, CheckedContinuation<[LDAPSearchEvent]?, any Error>?) in
            guard state.outcome == nil else { return (false, nil) }
            state.outcome = outcome
            state.result = result
            if discardingEvents {
                state.events = []
                state.byteCount = 0
            }
            guard let consumer = state.consumer else { return (true, nil) }
            state.consumer = nil
            state.isOutcomeTaken = true
            return (true, consumer)
        }
        consumer?.resume(with: outcome.map { _ in nil })
        return won
    }

    /// All events that are there, waiting for the first; nil at the end. Throws the search's error once, and
    /// `CancellationError` after calling `onCancel` when the task is cancelled. `onRoom` is called when a full
    /// buffer was emptied.
    func take(onRoom: () -> Void, onCancel: @escaping @Sendable () -> Void) async throws -> [LDAPSearchEvent]? {
        let (events, wasFull) = state.withLock { state -> ([LDAPSearchEvent], Bool) in
            let taken = (state.events, Self.isFull(state))
            state.events = []
            state.byteCount = 0
            return taken
        }
        if wasFull { onRoom() }
        if !events.isEmpty { return events }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { receive(into: $0) }
        } onCancel: {
            if finish(.failure(CancellationError()), discardingEvents: true) { onCancel() }
        }
    }

    private func receive(into continuation: CheckedContinuation<[LDAPSearchEvent]?, any Error>) {
        let outcome = state.withLock { state -> Result<[LDAPSearchEvent]?, any Error>? in
            if !state.events.isEmpty {
                defer {
                    state.events = []
                    state.byteCount = 0
                }
                return .success(state.events)
            }
            if let outcome = state.outcome {
                if state.isOutcomeTaken { return .success(nil) }
                state.isOutcomeTaken = true
                return outcome.map { _ in nil }
            }
            guard state.consumer == nil else { return .failure(SearchIsBeingRead()) }
            state.consumer = continuation
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }
}

/// Two tasks have read one search at once.
struct SearchIsBeingRead: Error, CustomStringConvertible {
    var description: String { "a search can be read by one task at a time" }
}
