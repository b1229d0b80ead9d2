import IncrementalSync
import Testing

@Suite("The pause before something is tried again")
struct BackoffTests {
    @Test("is twice as long after each failure, up to the longest")
    func doubles() {
        let backoff = Backoff(first: .seconds(1), longest: .seconds(10))
        let pauses = (1...6).map { backoff.pause(afterFailures: $0, random: 0) }
        #expect(pauses == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
        #expect(backoff.pause(afterFailures: .max, random: 0) == .seconds(10))
        #expect(backoff.pause(afterFailures: 0, random: 0) == .seconds(1))
    }

    @Test("is shortened by chance, by half at most")
    func jitter() {
        let backoff = Backoff(first: .seconds(4), longest: .seconds(10))
        let pauses = [0, 0.5, 1, 7, -7].map { backoff.pause(afterFailures: 1, random: $0) }
        #expect(pauses == [4, 3, 2, 2, 4].map { .seconds($0) })
    }

    @Test("is not taken when the patience would end before it is over")
    func patience() {
        let backoff = Backoff(first: .seconds(4), longest: .seconds(4), patience: .seconds(10))
        #expect(backoff.pause(afterFailures: 2, elapsed: .seconds(6), random: 0) == .seconds(4))
        #expect(backoff.pause(afterFailures: 2, elapsed: .seconds(7), random: 0) == nil)
        #expect(backoff.pause(afterFailures: 2, elapsed: .seconds(7), random: 1) == .seconds(2))
    }
}
