import Yams

/// Collects what is wrong with a file while it is read, so that a person sees all of it at once.
public final class YAMLProblems {
    let file: String
    private var found: [YAMLError.Problem] = []
    private var elsewhere: [YAMLError.Problem] = []

    /// - Parameter file: The name that problems give to the file.
    public init(file: String) {
        self.file = file
    }

    /// A problem of the file as a whole.
    public func add(_ message: String) {
        add(message, at: nil)
    }

    /// The problems of another file that this one names.
    public func add(_ error: YAMLError) {
        elsewhere += error.problems
    }

    func add(_ message: String, at mark: Mark?, keyPath: String = "") {
        found.append(
            .init(file: file, line: mark?.line, column: mark?.column, keyPath: keyPath, message: message)
        )
    }

    /// What has been made of the file, if nothing is wrong with it.
    ///
    /// - Throws: all problems.
    public func result<Result>(_ made: Result?) throws(YAMLError) -> Result {
        if let made, error == nil { return made }
        if error == nil { add("the file could not be understood; please report this as a defect, without any secrets") }
        throw error ?? YAMLError(problems: [])
    }

    /// All problems as one error; nil if there are none.
    public var error: YAMLError? {
        guard !found.isEmpty || !elsewhere.isEmpty else { return nil }
        // Checks across sections are made late: sorting brings their problems to where a reader of the file looks.
        let sorted = found.enumerated().sorted { left, right in
            (left.element.line ?? 0, left.element.column ?? 0, left.offset)
                < (right.element.line ?? 0, right.element.column ?? 0, right.offset)
        }
        return YAMLError(problems: sorted.map(\.element) + elsewhere)
    }
}
