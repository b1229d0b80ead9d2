import Foundation

/// A command that was run and failed, or a server that did not come up.
public struct TestSupportError: Error, CustomStringConvertible {
    /// What happened, with the output of the command.
    public let description: String

    /// An error with that text.
    public init(_ description: String) {
        self.description = description
    }
}

/// Runs a command to its end, its output in a file in the folder. Throws that output if it fails.
func runCommand(
    _ path: String, _ arguments: [String], logFolder folder: String, environment: [String: String] = [:]
) async throws {
    let output = "\(folder)/command-\(UUID().uuidString).log"
    let status = try await ChildProcess(path, arguments, output: output, environment: environment).wait()
    guard status == 0 else {
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        throw TestSupportError("\(path) \(arguments.joined(separator: " ")) ended with \(status): \(text)")
    }
}
