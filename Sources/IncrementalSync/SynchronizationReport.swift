/// What one run of a synchronization did, in entries.
public struct SynchronizationReport: Hashable, Sendable {
    public var read = 0
    public var imported = 0
    public var unchanged = 0
    /// Entries that became a problem.
    public var refused = 0
    public var held = 0

    public init() {}

    public static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.read += right.read
        sum.imported += right.imported
        sum.unchanged += right.unchanged
        sum.refused += right.refused
        sum.held += right.held
        return sum
    }
}
