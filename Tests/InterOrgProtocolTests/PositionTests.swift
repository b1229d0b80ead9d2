import AddressBook
import Foundation
import Testing

@testable import InterOrgProtocol

@Suite("Positions in a log")
struct PositionTests {
    @Test(
        "a log has had a position if it was in that life when it gave the number",
        arguments: [
            (Life.first, Int64(0), true), (Life.first, 1, true), (Life.first, 10, true), (Life.first, 11, false),
            (Life.second, 10, true), (Life.second, 11, true), (Life.second, 20, true), (Life.second, 21, false),
            (Life.lost, 0, false), (Life.lost, 5, false),
        ])
    func contains(incarnation: UUID, number: Int64, isContained: Bool) {
        let position = LogPosition(incarnation: incarnation, number: number)
        #expect(Life.line(highest: 20).contains(position) == isContained)
    }

    @Test("a log that was never opened has had no position, and no life")
    func emptyLine() {
        let line = IncarnationLine(incarnations: [], highest: 0)
        #expect(!line.contains(LogPosition(incarnation: Life.first, number: 0)))
        #expect(line.current == nil)
        #expect(Life.line(highest: 20).current == Life.second)
    }

    @Test("a life in which nothing was given ends where it began")
    func emptyLife() {
        let line = IncarnationLine(
            incarnations: [Incarnation(id: Life.first, first: 5), Incarnation(id: Life.second, first: 5)], highest: 4)
        #expect(line.contains(LogPosition(incarnation: Life.first, number: 4)))
        #expect(!line.contains(LogPosition(incarnation: Life.first, number: 5)))
    }

    @Test("a line with senseless numbers is no reason to stop")
    func senselessNumbers() {
        let line = IncarnationLine(
            incarnations: [Incarnation(id: Life.first, first: 1), Incarnation(id: Life.second, first: .min)],
            highest: .max)
        #expect(!line.contains(LogPosition(incarnation: Life.first, number: 1)))
        #expect(line.contains(LogPosition(incarnation: Life.second, number: .max)))
    }

    @Test("a position that the log has had is continued")
    func continued() {
        let position = ReceivedPosition(position: LogPosition(incarnation: Life.first, number: 7))
        let continuation = Continuation(from: position, in: Life.line(highest: 20), newGeneration: uuid(50))
        #expect(continuation == Continuation(after: 7, generation: nil))
    }

    @Test("a full transfer that is under way goes on under its ID")
    func generationContinued() {
        let position = ReceivedPosition(
            position: LogPosition(incarnation: Life.second, number: 12),
            generation: Generation(id: uuid(40), highest: 20))
        let continuation = Continuation(from: position, in: Life.line(highest: 20), newGeneration: uuid(50))
        #expect(continuation == Continuation(after: 12, generation: uuid(40)))
    }

    @Test("a full transfer begins at first contact, and for a position that the log has not had")
    func begun() {
        let lost = ReceivedPosition(
            position: LogPosition(incarnation: Life.lost, number: 7), generation: Generation(id: uuid(40), highest: 9))
        let ahead = ReceivedPosition(position: LogPosition(incarnation: Life.second, number: 21))
        for position in [nil, lost, ahead] {
            let continuation = Continuation(from: position, in: Life.line(highest: 20), newGeneration: uuid(50))
            #expect(continuation == Continuation(after: 0, generation: uuid(50)))
        }
    }

    @Test(
        "a position from before the tombstones that are gone is not continued, unless a full transfer is under way",
        arguments: [(Int64(11), false, false), (12, false, true), (20, false, true), (0, true, true)])
    func purged(number: Int64, isTransfer: Bool, isContinued: Bool) {
        var line = Life.line(highest: 20)
        line.purgedThrough = 12
        let position = ReceivedPosition(
            position: LogPosition(incarnation: Life.second, number: number),
            generation: isTransfer ? Generation(id: uuid(40), highest: 20) : nil)
        #expect(line.continues(position, view: nil) == isContinued)
    }

    @Test("a position under another view is not continued")
    func otherView() {
        let one = View(only: [Party.master.id])
        let two = View(only: [Party.master.id, Party.branch.id])
        let position = ReceivedPosition(
            position: LogPosition(incarnation: Life.second, number: 20), view: one.version)
        let line = Life.line(highest: 20)
        #expect(line.continues(position, view: one.version))
        #expect(!line.continues(position, view: two.version) && !line.continues(position, view: nil))
        let continuation = Continuation(from: position, in: line, view: two.version, newGeneration: uuid(50))
        #expect(continuation == Continuation(after: 0, generation: uuid(50), view: two.version))
    }

    /// Computed by Python's `hashlib`.
    @Test("a view's version does not depend on the order of its organizations")
    func viewVersion() {
        #expect(View(excluding: Party.branch.id).version == nil)
        #expect(View(only: [Party.branch.id, Party.master.id]).version == "a73c1d03349dbe25")
        #expect(View(only: []).version == "e3b0c44298fc1c14")
    }

    @Test("a view shows the organizations that it names, and never the peer's own")
    func viewShows() {
        #expect(View.all.shows(Party.master.id))
        #expect(!View(excluding: Party.branch.id).shows(Party.branch.id))
        let view = View(excluding: Party.branch.id, only: [Party.branch.id])
        #expect(!view.shows(Party.branch.id) && !view.shows(Party.master.id))
    }
}
