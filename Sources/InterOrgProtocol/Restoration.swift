import Foundation

/// The master's log has turned out to be older than what others have of it: it was restored from a backup. What came after
/// the backup is missing from it, although it is there at home; so nothing counts as gone because it is missing, until
/// everybody has told everything again.
public struct Restoration: Hashable, Sendable, Codable {
    /// The life of the log in which it was noticed. A log can become older only between two lives.
    public private(set) var life: UUID
    public private(set) var noticed: Date
    /// Whether everything is there again.
    public private(set) var isOver = false

    /// Who has not been heard for so long since is not waited for, in seconds.
    static let patienceSeconds: TimeInterval = 60 * 86_400

    public init(life: UUID, noticed: Date) {
        self.life = life
        self.noticed = noticed
    }

    /// It is noticed in a later life. The patience with those who are silent does not begin anew.
    public mutating func noticed(in life: UUID, now: Date) {
        guard life != self.life else { return }
        self.life = life
        if isOver { noticed = now }
        isOver = false
    }

    /// - Parameter heard: per member, whether it has told all of its log, knowing ``life`` or a later one.
    /// - Returns: whether it is over now, and was not before.
    public mutating func settle(heard: [Bool], now: Date) -> Bool {
        guard !isOver else { return false }
        isOver = heard.allSatisfy { $0 } || now.timeIntervalSince(noticed) >= Self.patienceSeconds
        return isOver
    }
}
