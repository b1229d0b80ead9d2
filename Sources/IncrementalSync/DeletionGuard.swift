import AddressBook
import Foundation

/// Invariant 3: more deletions from one organization within 24 hours than a count or a percentage are held until a
/// person decides, and so are changes that empty a field in more than the percentage of its entries.
public struct DeletionGuard: Hashable, Sendable {
    /// Deletions within 24 hours.
    public var count: Int
    /// Per cent of the organization's entries, counted from `percentFrom` deletions on.
    public var percent: Int
    /// What a person allows once, whatever the limits say.
    public var allowance: Allowance?

    /// A number of deletions of each organization's entries.
    public struct Allowance: Hashable, Sendable {
        public var count: Int
        /// Deletions that happened after this use it up.
        public var since: Date

        public init(count: Int, since: Date) {
            self.count = count
            self.since = since
        }
    }

    /// In a small address book a few deletions are a large share of it and mean nothing.
    public static let percentFrom = 10

    public init(count: Int = 500, percent: Int = 20) {
        self.count = count
        self.percent = percent
    }

    /// Holds nothing.
    public static let none = DeletionGuard(count: .max, percent: .max)

    /// - Parameters:
    ///   - deletions: how many are about to happen.
    ///   - recent: how many happened within the last 24 hours.
    ///   - entries: how many entries there are before these deletions.
    /// - Returns: nil if they may happen, else the limit that they exceed, for people.
    public func exceededLimit(deletions: Int, recent: Int, entries: Int) -> String? {
        guard self != .none else { return nil }
        let total = deletions + recent
        if total > count { return "\(total) deletions within 24 hours, more than \(count)" }
        let before = entries + recent
        if total >= Self.percentFrom, total * 100 > percent * before {
            return "\(total) deletions within 24 hours, more than \(percent) % of \(before) entries"
        }
        return nil
    }

    /// - Parameters:
    ///   - emptied: in how many entries a field is emptied, those of the last 24 hours among them.
    ///   - entries: how many entries there are.
    /// - Returns: nil if that may happen, else the limit that it exceeds, for people.
    public func exceededLimit(emptied: Int, of field: Field, entries: Int) -> String? {
        guard self != .none, emptied >= Self.percentFrom, emptied * 100 > percent * entries else { return nil }
        return "\(field.rawValue) emptied in \(emptied) entries within 24 hours, more than \(percent) % of \(entries)"
    }
}
