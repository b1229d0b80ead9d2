import Foundation
import TestSupport
import Testing

/// The same seed gives the same run, to the byte.
@Suite struct RepetitionTests {
    /// Swift gives every process another seed for its hashes, and so another order to its sets and dictionaries.
    @Test(
        "Processes with other hashes live through the same worlds",
        arguments: [[], ["--requestors", "4", "--entries", "60", "--steps", "80"]])
    func repeats(kind: [String]) async throws {
        let arguments = ["--from", "3", "--seeds", "4"] + kind
        let first = try await outcomes(arguments)
        #expect(Set(first.map(\.hash)).count == 4, "different seeds give different worlds")
        #expect(try await outcomes(arguments) == first)
        #expect(try await outcomes(arguments, ["SWIFT_DETERMINISTIC_HASHING": "1"]) == first)
    }

    private struct Outcome: Decodable, Equatable {
        var seed: UInt64
        var hash: String
        var failure: String?
    }

    /// What the built `Simulate` says of each world; it is built beside the tests.
    private func outcomes(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> [Outcome] {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "Simulate").path
        let folder = FileManager.default.temporaryDirectory.appending(path: "simulate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appending(path: "outcomes")
        let process = try ChildProcess(
            program, arguments, output: output.path, errors: folder.appending(path: "errors").path,
            environment: environment)
        let status = await process.wait()
        #expect(status == 0)
        let lines = try String(contentsOf: output, encoding: .utf8).split(separator: "\n")
        return try lines.map { try JSONDecoder().decode(Outcome.self, from: Data($0.utf8)) }
    }
}
