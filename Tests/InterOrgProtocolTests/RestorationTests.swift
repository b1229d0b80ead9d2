import Foundation
import InterOrgProtocol
import Testing

@Suite("A master's log that was restored from a backup")
struct RestorationTests {
    private static let noticed = Date(timeIntervalSinceReferenceDate: 800_000_000)
    private var restoration = Restoration(life: uuid(1), noticed: Self.noticed)

    private mutating func settle(_ heard: [Bool], days: Double = 1) -> Bool {
        restoration.settle(heard: heard, now: Self.noticed.addingTimeInterval(days * 86_400))
    }

    @Test("is whole again once everybody has been heard since, and is so once", arguments: [[true, true], []])
    mutating func everybodyHeard(heard: [Bool]) {
        #expect(settle(heard))
        #expect(restoration.isOver)
        #expect(!settle(heard))
    }

    @Test("is not while somebody was not heard")
    mutating func somebodyMissing() {
        #expect(!settle([true, false]))
        #expect(!restoration.isOver)
    }

    @Test("does not wait for ever for somebody who is gone, however often it is noticed again")
    mutating func patience() {
        #expect(!settle([false], days: 59))
        restoration.noticed(in: uuid(2), now: Self.noticed.addingTimeInterval(59 * 86_400))
        #expect(restoration.life == uuid(2))
        #expect(settle([false], days: 60))
    }

    @Test("waits when the clock is set back")
    mutating func clock() {
        #expect(!settle([false], days: -1))
    }

    @Test("cannot be noticed again in the same life once it is over, but in another one")
    mutating func again() {
        _ = settle([])
        restoration.noticed(in: uuid(1), now: Self.noticed)
        #expect(restoration.isOver)
        restoration.noticed(in: uuid(2), now: Self.noticed.addingTimeInterval(7 * 86_400))
        #expect(!restoration.isOver)
        #expect(restoration.noticed == Self.noticed.addingTimeInterval(7 * 86_400))
    }
}
