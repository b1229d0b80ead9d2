import Yams

/// Collects what is wrong with a file while it is read, so that a person sees all of it at once.
final class ConfigurationProblems {
    let file: String
    private var found: [ConfigurationError.Problem] = []

    init(file: String) {
        self.file = file
    }

    func add(_ message: String, at mark: Mark? = nil, keyPath: String = "") {
        found.append(
            .init(file: file, line: mark?.line, column: mark?.column, keyPath: keyPath, message: message)
        )
    }

    /// All problems as one error; nil if there are none.
    var error: ConfigurationError? {
        guard !found.isEmpty else { return nil }
        // Checks across sections are made late: sorting brings their problems to where a reader of the file looks.
        let sorted = found.enumerated().sorted { left, right in
            (left.element.line ?? 0, left.element.column ?? 0, left.offset)
                < (right.element.line ?? 0, right.element.column ?? 0, right.offset)
        }
        return ConfigurationError(problems: sorted.map(\.element))
    }
}
