import Foundation

/// Which life of a peer's service is taken for the living one.
///
/// Every start appends a life to a log's line, so a line that goes on from the one that is believed is believed. Any other
/// is that of a restored backup, of a second copy of the service, or of a mail from long ago; and only who is alive can
/// answer a challenge.
public struct LivingIncarnation: Hashable, Sendable, Codable {
    public enum Verdict: Hashable, Sendable {
        case believed
        /// A life that is over: the mail has been under way for long, or is replayed.
        case past
        /// It has to give this back first.
        case challenged(UUID)
        /// Two copies of the service are alive.
        case doubled
    }

    private struct Challenge: Hashable, Codable {
        var incarnation: UUID
        var nonce: UUID
    }

    /// The believed line, oldest first.
    private var line: [UUID] = []
    private var challenge: Challenge?
    /// Lives that were believed until another one answered a challenge.
    private var superseded: [UUID] = []
    /// Two copies of the service, both alive. Neither is heard until a person has decided.
    public private(set) var isDoubled = false

    /// So many restored backups are remembered.
    private static let supersededMax = 100

    public init() {}

    /// - Parameters:
    ///   - answer: to a challenge, as the message gives it.
    ///   - nonce: for a new challenge.
    public mutating func judge(_ line: IncarnationLine, answer: UUID?, nonce: UUID) -> Verdict {
        guard !isDoubled else { return .doubled }
        guard let current = line.current else { return .past }
        let lives = line.incarnations.map(\.id)
        guard let believed = self.line.last, !lives.contains(believed) else {
            // The first contact, the living one itself, or it after another start.
            self.line = lives
            return .believed
        }
        if self.line.contains(current) { return .past }
        guard let challenge, challenge.incarnation == current else {
            self.challenge = Challenge(incarnation: current, nonce: nonce)
            return .challenged(nonce)
        }
        guard answer == challenge.nonce else { return .challenged(challenge.nonce) }
        self.challenge = nil
        if superseded.contains(current) {
            isDoubled = true
            return .doubled
        }
        superseded.append(believed)
        superseded.removeFirst(max(0, superseded.count - Self.supersededMax))
        self.line = lives
        return .believed
    }
}
