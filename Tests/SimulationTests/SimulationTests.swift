import Foundation
import IncrementalSync
import Simulation
import Testing

/// Worlds in which everything goes wrong that can, and then nothing more.
@Suite struct SimulationTests {
    /// How many worlds one test case lives through, one after the other.
    private static let together: UInt64 = 100

    /// INTERORG_SIMULATION_SEEDS=from..to asks for other worlds than the ordinary 1,000. Many more: `scripts/simulate`.
    static let ranges: [ClosedRange<UInt64>] = {
        let text = ProcessInfo.processInfo.environment["INTERORG_SIMULATION_SEEDS"] ?? "1..1000"
        let bounds = text.split(separator: ".").compactMap { UInt64($0) }
        let first = bounds.first ?? 1
        let last = max(bounds.last ?? first, first)
        return stride(from: first, through: last, by: Int(together)).map { $0...min($0 + together - 1, last) }
    }()

    @Test("After any faults, once mail flows again, all address books are equal", arguments: ranges)
    func converges(seeds: ClosedRange<UInt64>) async throws {
        for seed in seeds { try await live(World(seed: seed)) }
    }

    @Test("Every fault happens in some world")
    func faultsHappen() async throws {
        var tally = Tally()
        for seed in UInt64(1)...100 {
            let world = try World(seed: seed)
            try await live(world)
            tally = tally + world.tally
        }
        for fault in Fault.allCases {
            #expect(tally[fault] > 0, "no \(fault.rawValue) in any of these worlds")
        }
    }

    @Test("Large address books are equal, too", arguments: [UInt64(1), 2])
    func largeWorldsConverge(seed: UInt64) async throws {
        var kind = World.Kind()
        kind.requestors = 8
        kind.entries = 500
        kind.steps = 200
        try await live(World(seed: seed, kind: kind))
    }

    @Test("A narrow guard holds deletions until they are released, and then all address books are equal")
    func guardedDeletionsConverge() async throws {
        var held = 0
        for seed in UInt64(1)...20 {
            var kind = World.Kind()
            kind.deletionGuard = DeletionGuard(count: 1, percent: 100)
            let world = try World(seed: seed, kind: kind)
            try await live(world)
            held += world.heldDeletions
        }
        #expect(held > 0, "no deletion was ever held")
    }

    @Test("A service restored from an old backup catches up, and all address books are equal", arguments: 0..<4)
    func restoredBackupsConverge(index: Int) async throws {
        for seed in UInt64(1)...5 {
            var kind = World.Kind()
            kind.requestors = 3
            kind.steps = 0
            let world = try World(seed: seed, kind: kind)
            try await live(world) {
                try await world.run()
                let service = world.services[index]
                try world.takeBackup(of: service)
                for service in world.services { for _ in 1...6 { world.changeAddressBook(of: service) } }
                try await world.heal()
                try await world.restoreBackup(of: service)
                for service in world.services { for _ in 1...6 { world.changeAddressBook(of: service) } }
                try await world.heal()
            }
        }
    }

    @Test(
        "An entry that was lost without anybody's noticing is found by comparison: by a requestor, by the master",
        arguments: [UInt64(1), 2, 3], [1, 0])
    func lossesAreFound(seed: UInt64, service: Int) async throws {
        var kind = World.Kind()
        kind.requestors = 2
        kind.steps = 0
        let world = try World(seed: seed, kind: kind)
        try await live(world) {
            try await world.run()
            #expect(try await world.loseEntry(of: world.services[service]), "there was nothing to lose")
            await #expect(throws: World.Failure.self, "nothing was lost") { try await world.demandConvergence() }
            try await world.heal()
        }
    }

    @Test("All mail that ever was, once more and in random order, changes nothing", arguments: UInt64(1)...30)
    func replayedMail(seed: UInt64) async throws {
        var kind = World.Kind()
        kind.recordsMail = true
        let world = try World(seed: seed, kind: kind)
        try await live(world) {
            try await world.run()
            try await world.replayEverything()
        }
    }

    private func live(
        _ world: World, _ body: (() async throws -> Void)? = nil
    ) async throws {
        do {
            try await (body ?? world.run)()
        } catch {
            Issue.record("seed \(world.seed) of the simulation:\n\(error)\nIts last part was:\n\(world.trace.last(60))")
        }
    }
}
