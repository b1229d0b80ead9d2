import AddressBook
import Foundation
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// The faults end: everybody works as the schedule has it until nothing moves any more.
extension World {
    /// Enough for a change to go through every waiting time and every full transfer, twice.
    private static let roundsMax = 30
    private static let mailsPerRoundMax = 3_000

    public func heal() async throws {
        note("the faults end")
        network.isPerfect = true
        for service in services {
            service.fuse.putOut()
            service.directory.heal()
        }
        try await comeToRest()
        try await release()
        try await demandConvergence()
    }

    /// Whoever has recorded all mail sends it again, in random order: nothing comes of it, at once or later.
    public func replayEverything() async throws {
        note("all mail comes again")
        let before = try await standing()
        network.records = false
        guard network.replayRecorded(now: clock.now, dice) > 0 else { throw Failure(description: "none is recorded") }
        try await deliverAll()
        let after = try await standing()
        guard after == before else { throw Failure(description: "mail of before changes \(before) to \(after)") }
        try await heal()
    }

    /// In worlds with a narrow guard, a person lets held deletions go, as often as there are any.
    private func release() async throws {
        for _ in 0..<20 {
            var released = 0
            for service in services {
                released += try await service.store.releaseHeldDeletions(nil, now: service.surroundings.now())
            }
            guard released > 0 else { return }
            heldDeletions += released
            note("\(released) held deletions are released")
            try await comeToRest()
        }
        throw Failure(description: "deletions are held again and again")
    }

    /// At rest means silent: in two whole rounds no number and no cursor moves, no change is sent, nothing is imported and
    /// nothing is written to any directory.
    private func comeToRest() async throws {
        var before = try await standing()
        var quietRounds = 0
        for _ in 0..<Self.roundsMax {
            try await round()
            let after = try await standing()
            quietRounds = after == before && network.underWay.isEmpty ? quietRounds + 1 : 0
            // In the first one a comparison may have found what the second one transfers anew.
            if quietRounds == 2 { return }
            before = after
        }
        throw Failure(description: "it does not come to rest in \(Self.roundsMax) rounds; now \(before)")
    }

    /// One cycle of everybody, and all the mail that comes of it. More than a day passes, so that everything that
    /// waits for a time has its turn.
    private func round() async throws {
        clock.advance(seconds: 90_000)
        // Who has left goes on asking, and is not answered.
        for service in services where takesPart(service) {
            try await cycle(service)
            try await deliverAll()
        }
    }

    private func deliverAll() async throws {
        var mails = 0
        while try await deliverNext() {
            mails += 1
            if mails > Self.mailsPerRoundMax { throw Failure(description: "the mail does not end") }
        }
    }

    /// Everything that a change or a message would move.
    private func standing() async throws -> [String] {
        var standing = ["\(carried) changes sent, \(moved) imported"]
        for service in services {
            let highest = try await ChangeLog(store: service.store).line().highest
            let problems = try await service.store.problemCounts().values.map { $0.problems + $0.held }.reduce(0, +)
            standing.append(
                "\(service.organization.name): number \(highest), \(service.directory.look(\.importWrites)) writes, "
                    + "\(problems) problems, cursors \(try service.cursors())")
        }
        return standing
    }
}
