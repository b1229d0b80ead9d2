import Foundation
import IncrementalSync
import Testing

/// Worlds in which everything goes wrong that can, and then nothing more.
@Suite struct SimulationTests {
    /// How many worlds one test case lives through, one after the other.
    private static let together: UInt64 = 25

    /// INTERORG_SIMULATION_SEEDS=from..to asks for other worlds than the ordinary 500, or 5,000 with `scripts/test --all`.
    static let ranges: [ClosedRange<UInt64>] = {
        let environment = ProcessInfo.processInfo.environment
        let ordinary = environment["INTERORG_TEST_ALL"] == "1" ? "1..5000" : "1..500"
        let text = environment["INTERORG_SIMULATION_SEEDS"] ?? ordinary
        let bounds = text.split(separator: ".").compactMap { UInt64($0) }
        let first = bounds.first ?? 1
        let last = max(bounds.last ?? first, first)
        return stride(from: first, through: last, by: Int(together)).map { $0...min($0 + together - 1, last) }
    }()

    @Test("After any faults, once mail flows again, all address books are equal", arguments: ranges)
    func converges(seeds: ClosedRange<UInt64>) async throws {
        for seed in seeds { try await live(World(seed: seed)) }
    }

    @Test("A narrow guard holds deletions until they are released, and then all address books are equal")
    func guardedDeletionsConverge() async throws {
        var held = 0
        for seed in UInt64(1)...20 {
            let kind = World.Kind(deletionGuard: DeletionGuard(count: 1, percent: 100))
            let world = try World(seed: seed, kind: kind)
            try await live(world)
            held += world.heldDeletions
        }
        #expect(held > 0, "no deletion was ever held")
    }

    @Test("A service restored from an old backup catches up, and all address books are equal", arguments: 0..<4)
    func restoredBackupsConverge(index: Int) async throws {
        for seed in UInt64(1)...5 {
            let world = try World(seed: seed, kind: World.Kind(steps: 0))
            try await live(world) {
                try await world.run()
                let service = world.services[index]
                try service.takeBackup()
                for service in world.services { for _ in 1...6 { world.changeAddressBook(of: service) } }
                try await world.heal()
                try await world.restoreBackup(of: service)
                for service in world.services { for _ in 1...6 { world.changeAddressBook(of: service) } }
                try await world.heal()
            }
        }
    }

    @Test("The same seed gives the same run", arguments: [UInt64(7), 8, 9])
    func repeats(seed: UInt64) async throws {
        var hashes: [UInt64] = []
        for _ in 1...2 {
            let world = try World(seed: seed)
            try? await world.run()
            hashes.append(world.trace.hash)
        }
        #expect(hashes[0] == hashes[1])
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
