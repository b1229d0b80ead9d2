import Foundation
import Testing

@testable import MailTransport

@Suite struct RetentionTests {
    private func items(_ bytes: [Int]) -> [Retention.Item<Int>] {
        bytes.enumerated().map { index, bytes in
            .init(key: index, date: Date(timeIntervalSinceReferenceDate: Double(index)), bytes: bytes)
        }
    }

    @Test func theNewestAreKept() {
        let now = Date(timeIntervalSinceReferenceDate: 10)
        #expect(Retention(count: 2, bytes: 100).excess(of: items([1, 1, 1, 1]), now: now).sorted() == [0, 1])
        #expect(Retention(count: 9, bytes: 100).excess(of: items([1, 99, 50, 50]), now: now).sorted() == [0, 1])
        #expect(Retention(count: 9, bytes: 100).excess(of: items([30, 80, 30]), now: now) == [1])
        #expect(
            Retention(seconds: 8.5, count: 9, bytes: 100).excess(of: items([1, 1, 1]), now: now).sorted() == [0, 1])
        #expect(Retention(count: 9, bytes: 100).excess(of: items([1, 1, 1]), now: now).isEmpty)
    }

    @Test func oneNoticeOfASubjectInAWhile() {
        var notices = RateLimitedNotices(pauseSeconds: 10, noticesMax: 2)
        #expect(notices.ending(of: "a", now: 0) == "")
        #expect(notices.ending(of: "a", now: 1) == nil)
        #expect(notices.ending(of: "a", now: 9) == nil)
        #expect(notices.ending(of: "b", now: 9) == "")
        #expect(notices.ending(of: "c", now: 9) == nil)
        #expect(notices.ending(of: "a", now: 10) == " (and 2 more like it and 1 others since the last time)")
        #expect(notices.ending(of: "c", now: 19) == "")
        #expect(notices.ending(of: "a", now: 20) == "")
    }

    @Test func clientsOffTheMachineHaveLimitsOfTheirOwn() {
        let gate = ConnectionGate(connectionsMax: 4, connectionsOfClientMax: 2, connectionsPerMinuteMax: 5)
        #expect(gate.enter([1], minute: 0) == .allowed)
        #expect(gate.enter([1], minute: 0) == .allowed)
        #expect(gate.enter([1], minute: 0) == .tooManyOfClient)
        #expect(gate.enter([2], minute: 0) == .allowed)
        #expect(gate.enter(nil, minute: 0) == .allowed)
        #expect(gate.enter([3], minute: 0) == .tooMany)
        gate.leave([1])
        #expect(gate.enter([1], minute: 0) == .allowed)
        gate.leave([1])
        #expect(gate.enter([1], minute: 0) == .allowed)
        gate.leave([1])
        #expect(gate.enter([1], minute: 0) == .tooFast)
        #expect(gate.enter([1], minute: 1) == .allowed)
        gate.leave(nil)
        #expect(gate.enter(nil, minute: 1) == .allowed)
    }
}
