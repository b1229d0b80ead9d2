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
        let actions = machine.received(header, now: now, nonce: nonce)
        guard actions == [.importRanges] else { return actions }
        machine.imported(header, hasCome: true)
        guard let answer = machine.answer(now: now), case .reply = answer else { return [] }
        machine.replied(through: received(20), now: now)
        return [answer]
    }

    private let nonce = uuid(77)

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

    @Test("has not heard from a requestor when what has come before comes again")
    mutating func replayed() {
        let headers = [1, 2].map { ExchangeHeader.made(.request, .number(5), part: $0, isLast: $0 == 2) }
        for (index, header) in headers.enumerated() {
            _ = machine.received(header, now: now + Double(index), nonce: nonce)
            machine.imported(header, hasCome: true)
        }
        #expect(machine.lastHeard == now + 1)
        for header in headers + [.made(.request, .number(4))] {
            _ = machine.received(header, now: now + 100, nonce: nonce)
        }
        #expect(machine.lastHeard == now + 1)
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
        #expect(machine.received(older, now: now, nonce: nonce) == [.importRanges])
        machine.imported(older, hasCome: true)
        #expect(machine.answer(now: now) == nil)
        #expect(machine.have == received(18))
        #expect(machine.requestorHighest == 20)
    }

    @Test(
        "what is missing from a full transfer is gone only by the newest request, made after the positions were given up"
    )
    mutating func ends() {
        _ = take(.made(.request, .number(5)))
        #expect(machine.endsTransfers(.made(.request, .number(5))))
        #expect(!machine.endsTransfers(.made(.request, .number(4))))
        machine.beginAnew()
        #expect(!machine.endsTransfers(.made(.request, .number(5))))
        _ = take(.made(.request, .number(6)))
        #expect(machine.endsTransfers(.made(.request, .number(6))))
    }

    @Test("knows which life of the master the requestor had heard of when it told all of its journal last")
    mutating func heard() {
        var header = ExchangeHeader.made(.request, .number(1))
        header.heard = uuid(1)
        _ = machine.received(header, now: now, nonce: nonce)
        machine.imported(header, hasCome: false)
        #expect(machine.heardIn == nil)
        machine.imported(header, hasCome: true)
        #expect(machine.heardIn == uuid(1))
        _ = take(.made(.request, .number(2)))
        machine.imported(header, hasCome: true)
        #expect(machine.heardIn == nil, "the newest request counts")
    }

    @Test("a newer request takes the place of one whose parts are still coming")
    mutating func superseded() {
        #expect(take(.made(.request, .number(1), part: 1, isLast: false)) == [])
        #expect(take(.made(.request, .number(2))) == reply(2))
        #expect(take(.made(.request, .number(1), part: 2, isLast: true)) == [])
    }

    /// The requestor has started again after its second life, or was restored in its first one.
    private func line(_ incarnations: UUID...) -> IncarnationLine {
        IncarnationLine(incarnations: incarnations.map { Incarnation(id: $0, first: 8) }, highest: 9)
    }

    @Test("hears a requestor that has started again, and counts from a lower number")
    mutating func startedAgain() {
        _ = take(.made(.request, .number(9)))
        #expect(take(.made(.request, .number(3), line: line(Life.first, Life.second, uuid(3)))) == reply(3))
        #expect(machine.requestorHighest == 9)
    }

    @Test("challenges a requestor that was restored, and believes it when it answers")
    mutating func restored() {
        _ = take(.made(.request, .number(9)))
        let restored = line(Life.first, Life.lost)
        #expect(take(.made(.request, .number(3), line: restored)) == [.challenge(.number(3), nonce)])
        #expect(isDropped(take(.made(.request, .number(3), part: 2, line: restored))), "a request is challenged once")
        var answer = ExchangeHeader.made(.request, .number(4), line: restored)
        answer.challengeAnswer = uuid(78)
        #expect(take(answer) == [.challenge(.number(4), nonce)], "another answer is none")
        answer = ExchangeHeader.made(.request, .number(5), line: restored)
        answer.challengeAnswer = nonce
        #expect(take(answer) == reply(5))
        #expect(machine.requestorHighest == 9)
        #expect(isDropped(take(.made(.request, .number(9), line: line(Life.first)))), "its first life is over")
    }

    @Test("hears neither of two copies of a requestor that are both alive")
    mutating func doubled() {
        _ = take(.made(.request, .number(9)))
        for (number, incarnation) in [(3, Life.lost), (10, Life.second)] as [(Int64, UUID)] {
            var header = ExchangeHeader.made(.request, .number(number), line: line(Life.first, incarnation))
            #expect(take(header) == [.challenge(.number(number), nonce)])
            header.request = .number(number + 1)
            header.challengeAnswer = nonce
            let actions = take(header)
            #expect(incarnation == Life.lost ? actions == reply(number + 1) : isDropped(actions))
        }
        #expect(machine.living.isDoubled)
        #expect(isDropped(take(.made(.request, .number(12), line: line(Life.first, Life.lost)))))
        #expect(isDropped(take(.made(.request, .number(13)))))
        // One of them has been stopped, and a person says so.
        machine.forgive()
        #expect(take(.made(.request, .number(14), line: line(Life.first, Life.second))) == reply(14))
    }

    private func isDropped(_ actions: [MasterMachine.Action]) -> Bool {
        guard case .drop = actions.first else { return false }
        return actions.count == 1
    }

    @Test("a request of an earlier life, delayed, is neither answered nor imported")
    mutating func delayed() {
        _ = take(.made(.request, .number(3)))
        let line = IncarnationLine(incarnations: [Incarnation(id: Life.first, first: 1)], highest: 9)
        #expect(isDropped(take(.made(.request, .number(7), line: line))))
    }

    @Test("answers a standing request again until its lease ends or the next request comes")
    mutating func standing() {
        var header = ExchangeHeader.made(.request, .number(1), part: 1, isLast: false)
        header.standing = 600
        _ = take(header)
        #expect(machine.answer(now: now) == nil, "it has not come whole")
        header.part = 2
        header.isLast = true
        #expect(take(header) == reply(1))
        #expect(machine.answer(now: now + 599) == .replyIfNews(to: .number(1), have: received(20)))
        #expect(machine.answer(now: now + 600) == nil)
        #expect(take(.made(.request, .number(2))) == reply(2))
        #expect(machine.answer(now: now) == nil, "the next request does not stand")
    }

    @Test("no request stands longer than a day, nor shorter than nothing", arguments: [Int.max, .min, -1])
    mutating func lease(seconds: Int) {
        var header = ExchangeHeader.made(.request, .number(1))
        header.standing = seconds
        #expect(take(header) == reply(1))
        #expect((machine.answer(now: now + 86_399) != nil) == (seconds > 0))
        #expect(machine.answer(now: now + 86_400) == nil)
    }

    @Test("a divergence leads to one full transfer, and not to another within a day")
    mutating func divergence() {
        let id = Party.branch.id
        let found: [(Set<OrganizationID>, TimeInterval, Bool)] = [
            ([], 0, false), ([id], 0, true), ([id], 86_399, false), ([id, Party.master.id], 86_399, true),
            ([id], 86_400, true),
        ]
        for (organizations, seconds, isNews) in found {
            let transfers = machine.divergence.compared(organizations, now: now + seconds)
            #expect(transfers == isNews, "\(organizations.count) after \(seconds) s")
        }
    }

    @Test("drops a reply")
    mutating func replies() {
        guard case .drop = machine.received(.made(.reply, .number(1)), now: now, nonce: nonce).first else {
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
