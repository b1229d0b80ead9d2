import AddressBook
import Foundation
import Testing

@testable import InterOrgProtocol

@Suite("The requestor's machine")
struct RequestorMachineTests {
    let now = Date(timeIntervalSinceReferenceDate: 0)
    var machine = RequestorMachine()

    /// Posts a request and gives its ID.
    private mutating func post(at moment: Date) throws -> RequestID {
        let actions = machine.scheduled(now: moment, nonce: uuid(UInt8(moment.timeIntervalSinceReferenceDate / 100)))
        guard actions.count == 1, case .postRequest(let request) = actions[0] else {
            throw Unexpected(actions: actions)
        }
        return request
    }

    struct Unexpected: Error { let actions: [RequestorMachine.Action] }

    private mutating func receive(_ header: ExchangeHeader) -> [RequestorMachine.Action] {
        machine.received(header, from: Party.master.id, now: now, nonce: uuid(88))
    }

    @Test("posts a request whenever it is scheduled, under a new number and nonce")
    mutating func scheduled() throws {
        let first = try post(at: now)
        let second = try post(at: now + 100)
        #expect(first.number == 1 && second.number == 2)
        #expect(first.nonce != second.nonce)
        #expect(machine.lastSent == now + 100)
        #expect(machine.isWaiting)
    }

    @Test("asks again although its clock was set back")
    mutating func clockSetBack() throws {
        _ = try post(at: now)
        #expect(machine.scheduled(now: now - 86_400, nonce: uuid(1)).count == 1)
    }

    @Test("does not wait for a clock that was set back to catch up, however many requests had no answer")
    mutating func clockSetFarBack() throws {
        _ = try post(at: now)
        _ = machine.asked(now: now + 60, nonce: uuid(1))
        #expect(machine.isOverdue(now: now + 61))
        let later = now - 86_400
        #expect(!machine.isOverdue(now: later) && !machine.stands(3_600, now: later))
        #expect(machine.due(now: later) == later)
        #expect(machine.asked(now: later, nonce: uuid(2)).count == 1)
        #expect(machine.asked(now: later, nonce: uuid(3)).isEmpty)
    }

    @Test("asks again only when an answer is overdue")
    mutating func overdue() throws {
        _ = try post(at: now)
        #expect(machine.scheduled(now: now + 29.9, nonce: uuid(1)).isEmpty)
        #expect(try post(at: now + 30).number == 2)
    }

    @Test("may ask at once after the last part of the answer has been imported, not before")
    mutating func answered() throws {
        let request = try post(at: now)
        machine.imported(.made(.reply, request, part: 1, isLast: false), isParked: false, now: now)
        #expect(machine.isWaiting)
        machine.imported(.made(.reply, request, part: 2), isParked: false, now: now)
        #expect(!machine.isWaiting)
        #expect(try post(at: now + 1).number == 2)
    }

    @Test("an answer to an older request does not end the waiting for the newest one")
    mutating func olderAnswer() throws {
        let older = try post(at: now)
        _ = try post(at: now + 100)
        machine.imported(.made(.reply, older), isParked: false, now: now)
        #expect(machine.isWaiting)
    }

    @Test("after a restart it asks at once, whatever was posted before")
    mutating func restarted() throws {
        _ = try post(at: now)
        machine.restarted()
        #expect(!machine.isWaiting)
        #expect(try post(at: now + 1).number == 2)
    }

    @Test("drops what is no answer to a request of its own")
    mutating func echo() throws {
        let request = try post(at: now)
        let strange = [
            ExchangeHeader.made(.reply, RequestID(number: request.number, nonce: uuid(99))),
            .made(.reply, RequestID(number: request.number + 1, nonce: request.nonce)),
            .made(.reply, request, from: Party.branch),
            .made(.request, request),
        ]
        for header in strange {
            let actions = receive(header)
            guard case .drop = actions.first, actions.count == 1 else {
                Issue.record("\(actions)")
                continue
            }
        }
        #expect(machine.lastHeard == nil && machine.masterHighest == 0)
        #expect(machine.acknowledged == PerStream(hierarchy: nil, contents: nil))
        #expect(receive(.made(.reply, request)) == [.importRanges])
    }

    @Test("takes every part of an answer, more than once and in any order")
    mutating func parts() throws {
        let request = try post(at: now)
        for part in [3, 1, 2, 1] {
            #expect(receive(.made(.reply, request, part: part, isLast: part == 3)) == [.importRanges])
        }
    }

    @Test("believes the newest answer about what the master has, in whatever order answers come")
    mutating func reordering() throws {
        let older = try post(at: now)
        let newer = try post(at: now + 100)
        #expect(receive(.made(.reply, newer, have: received(15), line: Life.line(highest: 20))) == [.importRanges])
        #expect(receive(.made(.reply, older, have: received(12), line: Life.line(highest: 17))) == [.importRanges])
        #expect(machine.acknowledged == received(15))
        #expect(machine.masterHighest == 20)
    }

    @Test("believes a newer answer that the master has less: it was restored")
    mutating func restoredMaster() throws {
        let older = try post(at: now)
        _ = receive(.made(.reply, older, have: received(15), line: Life.line(highest: 20)))
        let newer = try post(at: now + 100)
        _ = receive(.made(.reply, newer, have: received(12), line: Life.line(highest: 14)))
        #expect(machine.acknowledged == received(12))
        #expect(machine.masterHighest == 14)
    }

    @Test("drops an answer of an earlier life of the master than it has heard of")
    mutating func earlierLife() throws {
        let older = try post(at: now)
        let line = IncarnationLine(incarnations: [Incarnation(id: Life.first, first: 1)], highest: 9)
        #expect(receive(.made(.reply, older, line: line)) == [.importRanges])
        #expect(receive(.made(.reply, try post(at: now + 100))) == [.importRanges])
        guard case .drop = receive(.made(.reply, older, line: line)).first else {
            Issue.record("it was taken")
            return
        }
    }

    @Test("believes another line of lives of the master only in an answer to a newer request")
    mutating func lostLife() throws {
        let request = try post(at: now)
        let lost = IncarnationLine(
            incarnations: [Life.first, uuid(40)].map { Incarnation(id: $0, first: 1) }, highest: 9)
        #expect(receive(.made(.reply, request)) == [.importRanges])
        guard case .drop = receive(.made(.reply, request, line: lost)).first else {
            Issue.record("it was taken")
            return
        }
        #expect(receive(.made(.reply, try post(at: now + 100), line: lost)) == [.importRanges])
    }

    @Test("what is missing from a full transfer is gone only by the newest answer")
    mutating func ends() throws {
        let older = ExchangeHeader.made(.reply, try post(at: now))
        _ = receive(older)
        #expect(machine.endsTransfers(older))
        let newer = ExchangeHeader.made(.reply, try post(at: now + 100))
        #expect(machine.endsTransfers(older))
        _ = receive(newer)
        #expect(!machine.endsTransfers(older) && machine.endsTransfers(newer))
    }

    @Test(
        "what is missing from a full transfer is gone only by an answer to a request after the positions were given up")
    mutating func endsAnew() throws {
        let before = ExchangeHeader.made(.reply, try post(at: now))
        machine.beginAnew()
        #expect(!machine.endsTransfers(before))
        #expect(machine.endsTransfers(.made(.reply, try post(at: now + 100))))
    }

    @Test("an answer that comes after 32 newer requests is none of ours any more")
    mutating func forgotten() throws {
        let requests = try (0...32).map { try post(at: now + Double($0) * 100) }
        guard case .drop = receive(.made(.reply, requests[0])).first else {
            Issue.record("the oldest is still taken")
            return
        }
        #expect(receive(.made(.reply, requests[1])) == [.importRanges])
    }

    @Test("asks again when an answer is overdue: after a minute, then less and less often, at most an hour apart")
    mutating func patience() throws {
        _ = try post(at: now)
        var asked = now
        var pauses: [TimeInterval] = []
        for number in UInt8(1)...9 {
            let due = try #require(machine.due)
            #expect(machine.asked(now: due - 0.1, nonce: uuid(number)).isEmpty)
            #expect(machine.asked(now: due, nonce: uuid(number)).count == 1)
            pauses.append(due.timeIntervalSince(asked))
            asked = due
        }
        #expect(pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
    }

    @Test("has not heard from the master when what has come before comes again, and is no less patient")
    mutating func replayed() throws {
        let reply = ExchangeHeader.made(.reply, try post(at: now))
        _ = receive(reply)
        machine.imported(reply, isParked: false, now: now)
        _ = try post(at: now + 100)
        _ = machine.asked(now: now + 160, nonce: uuid(1))
        let due = machine.due
        _ = machine.received(reply, from: Party.master.id, now: now + 200, nonce: uuid(88))
        #expect(machine.lastHeard == now)
        #expect(machine.due == due)
    }

    @Test("is patient for as long as parts of the answer come")
    mutating func longAnswer() throws {
        let request = try post(at: now)
        let later = now + 3_000
        _ = machine.received(
            .made(.reply, request, isLast: false), from: Party.master.id, now: later, nonce: uuid(88))
        #expect(machine.due == later + 60)
    }

    @Test("is due for nothing when its request has been answered")
    mutating func notDue() throws {
        let request = try post(at: now)
        #expect(receive(.made(.reply, request)) == [.importRanges])
        machine.imported(.made(.reply, request), isParked: false, now: now)
        #expect(machine.due == nil)
        #expect(machine.asked(now: .distantFuture, nonce: uuid(1)).isEmpty)
    }

    @Test("asks for a gap before a parked message, once, and later if it stays")
    mutating func gap() throws {
        var pauses: [TimeInterval] = []
        var request = try post(at: now)
        for number in UInt8(1)...3 {
            for part in 2...4 {
                machine.imported(
                    .made(.reply, request, part: part, isLast: part == 4), isParked: true, now: now)
            }
            let due = try #require(machine.due)
            pauses.append(due.timeIntervalSince(now))
            guard case .postRequest(let next) = machine.asked(now: due, nonce: uuid(number)).first else {
                Issue.record("nothing was posted")
                return
            }
            request = next
        }
        #expect(pauses == [5, 10, 20])
        machine.imported(.made(.reply, request), isParked: false, now: now)
        #expect(machine.due == nil)
    }

    @Test("answers a challenge at once, the same one again only at its time")
    mutating func challenge() throws {
        let request = try post(at: now)
        var reply = ExchangeHeader.made(.reply, request, have: received(15))
        reply.challenge = uuid(55)
        guard case .postRequest(let answer) = receive(reply).first else {
            Issue.record("the challenge was not answered")
            return
        }
        #expect(machine.challenge == uuid(55) && answer.number == 2)
        #expect(receive(reply).isEmpty)
        #expect(machine.acknowledged == PerStream(hierarchy: nil, contents: nil), "a challenge acknowledges nothing")
        #expect(receive(.made(.reply, answer)) == [.importRanges])
        #expect(machine.challenge == nil)
    }

    @Test("a request stands for half its lease, if it has been answered")
    mutating func stands() throws {
        #expect(!machine.stands(600, now: now))
        let request = try post(at: now)
        #expect(!machine.stands(600, now: now))
        _ = receive(.made(.reply, request))
        #expect(machine.stands(600, now: now + 299))
        #expect(!machine.stands(600, now: now + 300))
        machine.restarted()
        #expect(!machine.stands(600, now: now))
    }

    @Test("is the same after it was stored")
    mutating func stored() throws {
        let request = try post(at: now)
        _ = receive(.made(.reply, request, have: received(15)))
        _ = try post(at: now + 100)
        let copy = try JSONDecoder().decode(RequestorMachine.self, from: JSONEncoder().encode(machine))
        #expect(copy == machine)
    }
}
