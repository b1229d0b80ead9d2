import ArgumentParser
import Foundation
import IncrementalSync
import Simulation

/// Lives through worlds of the simulator, one after the other. `scripts/simulate` runs many of these at once.
@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Simulate worlds; for scripts/simulate.",
        discussion: "Prints one JSON object for each world. Exit status 1: one of them failed.")

    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "How many seeds.") var seeds: UInt64 = 1
    @Option(help: "Requestors in each world; otherwise 2 to 8, by the seed.") var requestors: Int?
    @Option(help: "Entries in all address books at the beginning; otherwise a few each.") var entries: Int?
    @Option(help: "What happens until the faults end.") var steps = World.Kind().steps
    @Option(help: "Deletions within 24 hours that the guard lets pass; otherwise all.") var guardCount: Int?
    @Flag(help: "Print what happened in each world, line by line, to standard error.") var trace = false

    func validate() throws {
        guard seeds >= 1 else { throw ValidationError("--seeds is at least 1") }
        guard requestors.map({ $0 >= 1 }) ?? true else { throw ValidationError("--requestors is at least 1") }
        guard entries.map({ $0 >= 0 }) ?? true, steps >= 0, guardCount.map({ $0 >= 0 }) ?? true else {
            throw ValidationError("--entries, --steps and --guard-count are not negative")
        }
        guard !from.addingReportingOverflow(seeds).overflow else { throw ValidationError("--from is too great") }
    }

    func run() async throws {
        var isFailed = false
        for seed in from..<from + seeds {
            let outcome = try await live(seed)
            isFailed = isFailed || outcome.failure != nil
            // Written at once: whoever reads it knows which seed a process has died of.
            FileHandle.standardOutput.write(try JSONEncoder().encode(outcome) + Data("\n".utf8))
        }
        if isFailed { throw ExitCode(1) }
    }

    private struct Outcome: Encodable {
        var seed: UInt64
        var hash: String
        var failure: String?
        var faults: [String: Int]
    }

    private func live(_ seed: UInt64) async throws -> Outcome {
        let world = try World(seed: seed, kind: kind)
        var failure: String?
        do {
            try await world.run()
        } catch {
            failure = "\(error)"
        }
        if trace { FileHandle.standardError.write(Data((world.trace.last() + "\n").utf8)) }
        let tally = world.tally
        return Outcome(
            seed: seed, hash: String(world.trace.hash, radix: 16), failure: failure,
            faults: Dictionary(uniqueKeysWithValues: Fault.allCases.map { ($0.rawValue, tally[$0]) }))
    }

    private var kind: World.Kind {
        var kind = World.Kind()
        kind.requestors = requestors
        kind.entries = entries
        kind.steps = steps
        if let guardCount { kind.deletionGuard = DeletionGuard(count: guardCount, percent: 100) }
        return kind
    }
}
