import AddressBook
import Foundation
import Testing

@testable import InterOrgProtocol

@Suite("The master's machine")
struct MasterMachineTests {
    let now = Date(timeIntervalSinceReferenceDate: 0)
    var machine = MasterMachine()

    /// A message comes and is imported; gives whom and what the master answers.
    private mutating func take(_ header: ExchangeHeader) -> [MasterMachine.Action] {
        guard machine.received(header, now: now) == [.importRanges] else { return [] }
        return machine.imported(header, now: now)
    }

    private func reply(_ number: Int64, have: PerStream<ReceivedPosition?>? = nil) -> [MasterMachine.Action] {
        [.reply(to: .number(number), have: have ?? PerStream(hierarchy: nil, contents: nil))]
    }

    @Test("answers a request when it has been imported, with what the requestor has")
    mutating func answers() {
        #expect(take(.made(.request, .number(1), have: received(12))) == reply(1, have: received(12)))
        #expect(machine.have == received(12))
        #expect(machine.requestorHighest == 20)
        #expect(machine.lastHeard == now && machine.lastReplied == now)
    }

    @Test("answers a request once, however often it comes")
    mutating func once() {
        #expect(take(.made(.request, .number(1))) == reply(1))
        #expect(take(.made(.request, .number(1))) == [])
        #expect(take(.made(.request, .number(2))) == reply(2))
        #expect(take(.made(.request, .number(1))) == [])
    }

    @Test(
        "answers after the last part, in whatever order the parts come",
        arguments: [[1, 2, 3], [3, 1, 2], [2, 3, 1]])
    mutating func parts(order: [Int]) {
        var answers: [MasterMachine.Action] = []
        for (index, part) in order.enumerated() {
            #expect(answers.isEmpty)
            let header = ExchangeHeader.made(.request, .number(1), part: part, isLast: part == 3)
            answers = take(header)
            #expect(index == 2 || take(header) == [], "a part that comes twice is one")
        }
        #expect(answers == reply(1))
    }

    @Test("imports an older request, but neither answers it nor believes what it says of positions")
    mutating func older() {
        _ = take(.made(.request, .number(5), have: received(18)))
        let older = ExchangeHeader.made(.request, .number(4), have: received(12), line: Life.line(highest: 15))
        #expect(machine.received(older, now: now) == [.importRanges])
        #expect(machine.imported(older, now: now) == [])
        #expect(machine.have == received(18))
        #expect(machine.requestorHighest == 20)
    }

    @Test("a newer request takes the place of one whose parts are still coming")
    mutating func superseded() {
        #expect(take(.made(.request, .number(1), part: 1, isLast: false)) == [])
        #expect(take(.made(.request, .number(2))) == reply(2))
        #expect(take(.made(.request, .number(1), part: 2, isLast: true)) == [])
    }

    @Test("answers a requestor that was restored and counts from a lower number, in a life that nobody has seen")
    mutating func restored() {
        _ = take(.made(.request, .number(9)))
        let line = IncarnationLine(
            incarnations: [Incarnation(id: Life.first, first: 1), Incarnation(id: Life.lost, first: 8)], highest: 9)
        #expect(take(.made(.request, .number(3), line: line)) == reply(3))
        #expect(machine.requestorHighest == 9)
    }

    @Test("a parked message of a lost life, tried again, is in the way of no newer request")
    mutating func parked() {
        let lost = ExchangeHeader.made(
            .request, .number(6), part: 2, isLast: false,
            line: IncarnationLine(
                incarnations: [Incarnation(id: Life.first, first: 1), Incarnation(id: Life.lost, first: 8)],
                highest: 9))
        #expect(take(lost) == [])
        #expect(take(.made(.request, .number(3), part: 1, isLast: false)) == [])
        #expect(machine.received(lost, wasParked: true, now: now) == [.importRanges])
        #expect(machine.imported(lost, now: now) == [])
        #expect(take(.made(.request, .number(3), part: 2, isLast: true)) == reply(3))
    }

    @Test("drops a message of an earlier life of the requestor, however late it comes")
    mutating func delayed() {
        let line = IncarnationLine(incarnations: [Incarnation(id: Life.first, first: 1)], highest: 9)
        #expect(take(.made(.request, .number(1), line: line)) == reply(1))
        #expect(take(.made(.request, .number(3))) == reply(3))
        for number in [Int64(1), 7] {
            guard case .drop = machine.received(.made(.request, .number(number), line: line), now: now).first else {
                Issue.record("request \(number) was taken")
                continue
            }
        }
        #expect(take(.made(.request, .number(4))) == reply(4))
    }

    @Test("drops a reply")
    mutating func replies() {
        guard case .drop = machine.received(.made(.reply, .number(1)), now: now).first else {
            Issue.record("a reply was taken")
            return
        }
        #expect(machine.lastHeard == nil)
    }

    @Test("is the same after it was stored, in the middle of a request")
    mutating func stored() throws {
        _ = take(.made(.request, .number(1), part: 1, isLast: false))
        let copy = try JSONDecoder().decode(MasterMachine.self, from: JSONEncoder().encode(machine))
        #expect(copy == machine)
        machine = copy
        #expect(take(.made(.request, .number(1), part: 2, isLast: true)) == reply(1))
    }
}
