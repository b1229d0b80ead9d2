import Foundation

/// Everything that is wrong with a file, found in one reading.
///
/// No text in it shows a secret, nor the values of keys that lead to one.
public struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
    /// One thing that is wrong.
    public struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// The path of the file, as it was given.
        public let file: String
        /// The line, from 1; nil where the problem is the file itself.
        public let line: Int?
        /// The column in Unicode scalars, from 1; nil where the problem is the file itself.
        public let column: Int?
        /// The key it is about, like `directory.export[0].base`; empty for the file as a whole.
        public let keyPath: String
        /// What is wrong, and what is allowed.
        public let message: String

        /// `file:line:column: key.path: message`, which editors and terminals make a link of.
        public var description: String {
            let place = [file, line.map(String.init), column.map(String.init)].compactMap(\.self).joined(separator: ":")
            return [place, keyPath, message].filter { !$0.isEmpty }.joined(separator: ": ")
        }
    }

    /// The problems in the order of the file; at least one.
    public let problems: [Problem]

    /// One line for each problem.
    public var description: String {
        problems.map(\.description).joined(separator: "\n")
    }

    /// The same as ``description``.
    public var errorDescription: String? { description }
}
