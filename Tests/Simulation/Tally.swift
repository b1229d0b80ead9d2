/// What can go wrong in a world.
public enum Fault: String, CaseIterable, Sendable {
    case lost, doubled, reordered, delayed, cut, flipped, replayed, mailboxFull
    case outage, killed, restored, clockJump, damagedDatabase, membership
}

/// How often each fault has happened: a fault that never does proves nothing.
public struct Tally: Sendable {
    private var counts: [Fault: Int] = [:]

    public init() {}

    public subscript(fault: Fault) -> Int { counts[fault] ?? 0 }

    mutating func note(_ fault: Fault) { counts[fault, default: 0] += 1 }

    public static func + (left: Tally, right: Tally) -> Tally {
        var sum = left
        sum.counts.merge(right.counts, uniquingKeysWith: +)
        return sum
    }
}
