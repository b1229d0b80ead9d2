import AddressBook

/// What one run of a synchronization did, in entries.
public struct SynchronizationReport: Hashable, Sendable {
    public var read = 0
    public var imported = 0
    public var unchanged = 0
    /// Entries that became a problem.
    public var refused = 0
    /// Deletions that the guard has held, by the organization whose entries they delete.
    public var heldDeletions: [OrganizationID: Int] = [:]

    public var held: Int { heldDeletions.values.reduce(0, +) }

    public init() {}

    public static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.read += right.read
        sum.imported += right.imported
        sum.unchanged += right.unchanged
        sum.refused += right.refused
        sum.heldDeletions.merge(right.heldDeletions, uniquingKeysWith: +)
        return sum
    }
}
