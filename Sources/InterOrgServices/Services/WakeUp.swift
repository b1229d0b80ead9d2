/// Tells a service that there may be something to do. Signals that come while it is busy become one.
struct WakeUp: Sendable {
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func signal() {
        continuation.yield()
    }

    /// There is nothing more to wait for.
    func end() {
        continuation.finish()
    }

    /// - Returns: what waits for that.
    func signal(after duration: Duration) -> Task<Void, any Error> {
        Task {
            try await Task.sleep(for: duration)
            continuation.yield()
        }
    }
}
