/// How long to wait before something is tried again: twice as long after each failure in a row, up to a longest pause.
public struct Backoff: Hashable, Sendable {
    /// The pause after the first failure.
    public var first: Duration
    /// No pause is longer.
    public var longest: Duration
    /// No attempt begins later than this after the first failure in a row; nil: there is no end.
    public var patience: Duration?

    public init(first: Duration, longest: Duration, patience: Duration? = nil) {
        self.first = first
        self.longest = longest
        self.patience = patience
    }

    /// The pause before the next attempt.
    ///
    /// - Parameters:
    ///   - failures: how many there were in a row; at least 1.
    ///   - random: from 0 to 1. It takes away up to half of the pause, so that all who have lost the same server do not
    ///     come back to it at the same moment.
    public func pause(afterFailures failures: Int, random: Double) -> Duration {
        // 40 doublings of a second are 35,000 years.
        let full = min(first * (1 << min(max(failures, 1) - 1, 40)), longest)
        return full * (1 - min(max(random, 0), 1) / 2)
    }

    /// The same; nil if it is time to give up.
    ///
    /// - Parameter elapsed: the time since the first of the failures.
    public func pause(afterFailures failures: Int, elapsed: Duration, random: Double) -> Duration? {
        let pause = pause(afterFailures: failures, random: random)
        if let patience, elapsed + pause > patience { return nil }
        return pause
    }
}
