import IncrementalSync

/// When a cycle that could not do everything is tried again, whatever the schedule says: a server that was away for a
/// minute must not cost a day.
struct RetrySchedule {
    static let backoff = Backoff(first: .seconds(5), longest: .seconds(300))

    private var failures = 0
    private var isPending = false

    /// How long to wait before the next retry, after something has been tried; nil if none is needed, or one is pending.
    mutating func pause(after report: CycleReport, random: Double) -> Duration? {
        guard report.shouldRetry else {
            failures = 0
            return nil
        }
        guard !isPending else { return nil }
        failures += 1
        isPending = true
        return Self.backoff.pause(afterFailures: failures, random: random)
    }

    /// The pause is over. Returns whether there still is something to retry.
    mutating func pauseIsOver() -> Bool {
        isPending = false
        return failures > 0
    }
}
