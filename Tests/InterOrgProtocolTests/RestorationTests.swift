import Foundation
import InterOrgProtocol
import Testing

@Suite("A master's log that was restored from a backup")
struct RestorationTests {
    private static let before = UUID()
    private static let noticedIn = UUID()
    private static let after = UUID()
    private let line = IncarnationLine(
        incarnations: [before, noticedIn, after].map { Incarnation(id: $0, first: 1) }, highest: 0)
    private let noticed = Date(timeIntervalSinceReferenceDate: 800_000_000)

    private func isOver(_ heardIn: [UUID?], days: Double = 1) -> Bool {
        Restoration(life: Self.noticedIn, noticed: noticed)
            .isOver(heardIn: heardIn, in: line, now: noticed.addingTimeInterval(days * 86_400))
    }

    @Test("is whole again once everybody has been heard since")
    func everybodyHeard() {
        #expect(isOver([Self.noticedIn, Self.after]))
        #expect(isOver([]))
    }

    @Test("is not while somebody was heard only before it was noticed, or never", arguments: [before, nil, UUID()])
    func somebodyMissing(life: UUID?) {
        #expect(!isOver([Self.after, life]))
    }

    @Test("does not wait for ever for somebody who is gone")
    func patience() {
        #expect(!isOver([nil], days: 59))
        #expect(isOver([nil], days: 60))
    }

    @Test("waits when the clock is set back")
    func clock() {
        #expect(!isOver([nil], days: -1))
    }

    @Test("has forgotten the life in which it was noticed: all that are known came after it")
    func manyLives() {
        let restoration = Restoration(life: UUID(), noticed: noticed)
        #expect(restoration.isOver(heardIn: [Self.before], in: line, now: noticed))
    }
}
