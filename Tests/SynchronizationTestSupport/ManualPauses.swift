import IncrementalSync
import Synchronization

/// Pauses that take no time but on their own clock, and are written down.
public final class ManualPauses: Sendable {
    private let taken = Mutex<[Duration]>([])

    public init() {}

    /// How long each was.
    public var durations: [Duration] { taken.withLock { $0 } }

    /// These, for those who wait; without chance.
    public var pauses: Pauses {
        Pauses(
            elapsed: { self.durations.reduce(.zero, +) },
            wait: { pause in
                try Task.checkCancellation()
                self.taken.withLock { $0.append(pause) }
            },
            random: { 0 })
    }
}
