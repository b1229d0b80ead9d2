import AddressBook
import Foundation

/// An entry that could not be imported, or a change that is held, with the exact reason. Kept, shown, retried, never
/// in the way of others.
public struct Problem: Hashable, Sendable {
    public enum Kind: String, Codable, Hashable, Sendable {
        /// The destination refuses it.
        case refused
        /// Something else has to come first.
        case waiting
        /// The guard holds it until a person decides.
        case held
        /// A person has refused it: the entry stays as it is until its source has it again, or has the field again.
        case kept
    }

    public var change: Change
    public var kind: Kind
    public var reason: String
    /// What the destination's server said, if it was asked.
    public var answer: ServerAnswer?
    /// What a person would call the entry; nil if unknown.
    public var label: String?
    public var firstSeen: Date
    public var lastSeen: Date
    public var attempts: Int
    /// When it is tried again; nil for what waits for a person or was refused.
    public var nextAttempt: Date?

    public init(
        change: Change, kind: Kind, reason: String, answer: ServerAnswer? = nil, label: String? = nil, firstSeen: Date,
        lastSeen: Date,
        attempts: Int = 1, nextAttempt: Date?
    ) {
        self.change = change
        self.kind = kind
        self.reason = reason
        self.answer = answer
        self.label = label
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.attempts = attempts
        self.nextAttempt = nextAttempt
    }

    public var id: EntryID { change.id }

    public var isDeletion: Bool { change.entry == nil }

    /// The guard has held it, whatever a person has said to that.
    var isGuarded: Bool { kind == .held || kind == .kept }

    /// The problem after another attempt: a refusal waits 30 s, then twice as long each time, a day at most.
    func after(_ kind: Kind, change: Change, reason: String, answer: ServerAnswer?, now: Date) -> Problem {
        var problem = self
        problem.change = change
        problem.kind = kind
        problem.reason = reason
        problem.answer = answer
        problem.lastSeen = now
        problem.attempts += 1
        problem.nextAttempt = Self.nextAttempt(kind, attempts: problem.attempts, now: now)
        return problem
    }

    static func first(
        _ kind: Kind, change: Change, label: String?, reason: String, answer: ServerAnswer?, now: Date
    ) -> Problem {
        Problem(
            change: change, kind: kind, reason: reason, answer: answer, label: label, firstSeen: now, lastSeen: now,
            nextAttempt: nextAttempt(kind, attempts: 1, now: now))
    }

    private static func nextAttempt(_ kind: Kind, attempts: Int, now: Date) -> Date? {
        switch kind {
        case .held, .kept: nil
        case .waiting: now
        case .refused: now + min(30 * pow(2, Double(min(attempts, 20) - 1)), 86_400)
        }
    }
}
