/// What is wrong with a directory as a whole: what was being done, to what, and what to try.
public struct DirectoryError: Error, CustomStringConvertible {
    public var description: String

    init(_ what: String, advice: String) {
        self.description = "\(what); \(advice)"
    }
}
