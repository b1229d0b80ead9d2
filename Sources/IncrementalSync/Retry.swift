import Synchronization

/// Time and chance for those who wait.
public struct Pauses: Sendable {
    /// The time since a moment that stays the same; no clock that somebody sets back.
    public var elapsed: @Sendable () -> Duration
    /// Waits. Throws `CancellationError` as soon as the task is cancelled.
    public var wait: @Sendable (Duration) async throws -> Void
    /// A number from 0 to 1.
    public var random: @Sendable () -> Double

    public init(
        elapsed: @escaping @Sendable () -> Duration, wait: @escaping @Sendable (Duration) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.elapsed = elapsed
        self.wait = wait
        self.random = random
    }
}

/// Decides, after an error, whether to try again, and waits until it is time to.
///
/// One is shared by all that use the same server. So the patience is spent once: while a server is away, only the first
/// who needs it waits for it, and everything after that fails at once until something has succeeded.
public final class Retry: Sendable {
    /// What somebody should be told.
    public enum Notice: Sendable {
        /// The first failure in a row; it is tried again.
        case failing(any Error)
        /// What failed before has succeeded.
        case recovered
    }

    private struct Failures {
        var count = 0
        var since = Duration.zero
    }

    private let backoff: Backoff
    private let pauses: Pauses
    private let isTransient: @Sendable (any Error) -> Bool
    private let notify: @Sendable (Notice) -> Void
    private let failures = Mutex(Failures())

    /// - Parameter isTransient: whether the same thing may succeed later, unchanged.
    public init(
        _ backoff: Backoff, pauses: Pauses, isTransient: @escaping @Sendable (any Error) -> Bool,
        notify: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        self.backoff = backoff
        self.pauses = pauses
        self.isTransient = isTransient
        self.notify = notify
    }

    /// Waits until it is time for another attempt. Throws the error itself if there is to be none, and
    /// `CancellationError` as soon as the task is cancelled.
    func pause(after error: any Error) async throws {
        guard isTransient(error) else { throw error }
        let now = pauses.elapsed()
        let (count, elapsed) = failures.withLock { failures in
            if failures.count == 0 { failures.since = now }
            failures.count += 1
            return (failures.count, now - failures.since)
        }
        guard let pause = backoff.pause(afterFailures: count, elapsed: elapsed, random: pauses.random()) else {
            throw error
        }
        if count == 1 { notify(.failing(error)) }
        try await pauses.wait(pause)
    }

    /// Ends the row of failures: something has been achieved that will not have to be done again.
    func succeeded() {
        let hasRecovered = failures.withLock { failures in
            defer { failures.count = 0 }
            return failures.count > 0
        }
        if hasRecovered { notify(.recovered) }
    }
}
