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

    /// Other changes that the guard has held.
    public var heldChanges = 0
    /// In how many entries they would have emptied a field.
    var heldEmptied: [OrganizationID: [Field: Int]] = [:]

    public var held: Int { heldChanges + heldDeletions.values.reduce(0, +) }

    public init() {}

    public static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.read += right.read
        sum.imported += right.imported
        sum.unchanged += right.unchanged
        sum.refused += right.refused
        sum.heldDeletions.merge(right.heldDeletions, uniquingKeysWith: +)
        sum.heldChanges += right.heldChanges
        sum.heldEmptied.merge(right.heldEmptied) { $0.merging($1, uniquingKeysWith: +) }
        return sum
    }
}
