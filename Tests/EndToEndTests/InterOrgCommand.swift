import Foundation
import TestSupport

/// The built `interorg`, run as a process of its own.
enum InterOrgCommand {
    /// It is built beside the tests.
    static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "interorg").path

    /// What a command said, and how it ended.
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs a command to its end.
    ///
    /// - Parameter input: what it has on its standard input.
    static func run(
        _ arguments: [String], input: [UInt8] = [], folder: String, environment: [String: String] = [:]
    ) async throws -> Result {
        let file = "\(folder)/command-\(UUID().uuidString.prefix(8))"
        try Data(input).write(to: URL(filePath: file + ".in"))
        let child = try ChildProcess(
            path, arguments, input: file + ".in", output: file + ".out", errors: file + ".err", environment: environment
        )
        let status = await child.wait()
        return Result(
            status: status, output: try String(contentsOfFile: file + ".out", encoding: .utf8),
            errors: try String(contentsOfFile: file + ".err", encoding: .utf8))
    }
}

extension InterOrgCommand.Result {
    /// The output of a command with `--json`.
    func json() throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
    }
}
