import AddressBook
import Foundation
import IncrementalSync
import SQLiteStore

/// A problem as it is shown.
public struct ProblemReport: Sendable, Codable {
    public var synchronization: String
    public var organization: String
    public var entryUUID: String
    public var entry: String?
    public var operation: String
    public var kind: Problem.Kind
    public var reason: String
    public var attempts: Int
    public var firstSeen: Date
    public var lastSeen: Date
    public var nextAttempt: Date?

    /// It waits for a person.
    public var isHeld: Bool { kind == .held && !isReleased }

    /// A person has let the deletion go: it happens in the next cycle.
    public var isReleased: Bool { kind == .held && nextAttempt != nil }

    /// One line for people.
    public var text: String {
        "\(isReleased ? "released" : kind.rawValue)  \(organization)  \(entryUUID)  \(operation) \(entry ?? "?"): \(reason) "
            + "(\(attempts) attempts since \(firstSeen.formatted(.iso8601)))"
    }

    /// All problems of a service, the oldest first.
    public static func read(_ configuration: Configuration) async throws -> [ProblemReport] {
        let store = try configuration.existingStore()
        let names = try await Peers(store: store).names()
        return try await store.problems().map { listed in
            let problem = listed.problem
            return ProblemReport(
                synchronization: listed.synchronization,
                organization: names[problem.id.organization] ?? problem.id.organization.description,
                entryUUID: problem.id.uuid.text, entry: problem.label,
                operation: problem.isDeletion ? "delete" : "import", kind: problem.kind, reason: problem.reason,
                attempts: problem.attempts, firstSeen: problem.firstSeen, lastSeen: problem.lastSeen,
                nextAttempt: problem.nextAttempt)
        }
    }

    /// Lets held deletions happen in the next cycle: those of these entries, or all.
    ///
    /// - Returns: how many there were.
    public static func release(_ uuids: Set<UUID>?, _ configuration: Configuration) async throws -> Int {
        try await configuration.existingStore().releaseHeldDeletions(uuids, now: Date())
    }
}
