import SQLiteStore
import Synchronization

/// The process has been killed.
struct Crash: Error {}

/// Kills a service at one of its next commits, before or after it. Once it is dead, nothing more is committed.
final class Fuse: Sendable {
    private let remaining = Mutex<Int?>(nil)

    /// - Parameter count: how many times a commit may still begin or end.
    func light(_ count: Int) { remaining.withLock { $0 = count } }

    func putOut() { remaining.withLock { $0 = nil } }

    func burn(_ phase: ServiceStore.CommitPhase) throws {
        let isDead = remaining.withLock { remaining in
            guard let left = remaining else { return false }
            remaining = max(0, left - 1)
            return left <= 0
        }
        if isDead { throw Crash() }
    }
}
