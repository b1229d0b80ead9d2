/// Something about keys and certificates that a person has to correct: what was being done, to what, and what to try.
public struct KeyError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
