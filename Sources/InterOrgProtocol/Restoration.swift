import Foundation

/// The master's log has turned out to be older than what others have of it: it was restored from a backup. What came after
/// the backup is missing from it, although it is there at home; so nothing counts as gone because it is missing, until
/// everybody has told everything again.
public struct Restoration: Hashable, Sendable, Codable {
    /// The life of the log in which it was noticed.
    public var life: UUID
    public var noticed: Date

    /// Who has not been heard for so long since is not waited for, in seconds.
    static let patienceSeconds: TimeInterval = 60 * 86_400

    public init(life: UUID, noticed: Date) {
        self.life = life
        self.noticed = noticed
    }

    /// Whether the log has everything again.
    ///
    /// - Parameters:
    ///   - heardIn: per member, the life of the log that it knew when it told all of its own last.
    ///   - line: the log's.
    public func isOver(heardIn: [UUID?], in line: IncarnationLine, now: Date) -> Bool {
        if now.timeIntervalSince(noticed) >= Self.patienceSeconds { return true }
        return heardIn.allSatisfy { isHeard(in: $0, line) }
    }

    /// Whether a member that told all of its log last when it knew this life of ours has told what may be missing.
    public func isHeard(in life: UUID?, _ line: IncarnationLine) -> Bool {
        let lives = line.incarnations.map(\.id)
        // A life that is too long ago to be known: all that there are came after it.
        let since = lives[(lives.firstIndex(of: self.life) ?? lives.startIndex)...]
        return life.map(since.contains) ?? false
    }
}
