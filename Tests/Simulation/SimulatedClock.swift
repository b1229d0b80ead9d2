import Foundation
import Synchronization

/// The time in a world.
final class SimulatedClock: Sendable {
    private let seconds = Mutex(800_000_000.0)

    var now: Double { seconds.withLock { $0 } }

    func advance(seconds passed: Double) { seconds.withLock { $0 += passed } }
}

/// What a service takes for the time: its clock is wrong in its own way, and now and then somebody sets it.
final class SkewedClock: Sendable {
    private let clock: SimulatedClock
    private let skew: Mutex<Double>

    init(_ clock: SimulatedClock, skewSeconds: Double) {
        self.clock = clock
        self.skew = Mutex(skewSeconds)
    }

    var now: Date { Date(timeIntervalSinceReferenceDate: clock.now + skew.withLock { $0 }) }

    func jump(toSkewSeconds new: Double) { skew.withLock { $0 = new } }
}
