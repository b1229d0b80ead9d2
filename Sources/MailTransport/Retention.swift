import Foundation

/// How much of what is done with is kept, so that it has an end.
public struct Retention: Sendable, Equatable {
    /// For how long, in seconds; nil: without end.
    public var seconds: Double?
    /// How many mails.
    public var count: Int
    /// How many bytes together.
    public var bytes: Int

    public init(seconds: Double? = nil, count: Int, bytes: Int) {
        self.seconds = seconds
        self.count = count
        self.bytes = bytes
    }

    /// A mail that is kept.
    struct Item<Key: Sendable>: Sendable {
        var key: Key
        var date: Date
        var bytes: Int
    }

    /// Those that are not to be kept: the older ones of what is too many, too large together or too old.
    func excess<Key>(of items: [Item<Key>], now: Date) -> [Key] {
        var kept = 0
        var keptBytes = 0
        return items.sorted { $0.date > $1.date }.filter { item in
            let isYoung = seconds.map { now.timeIntervalSince(item.date) < $0 } ?? true
            guard isYoung, kept < count, keptBytes + item.bytes <= bytes else { return true }
            kept += 1
            keptBytes += item.bytes
            return false
        }.map(\.key)
    }
}
