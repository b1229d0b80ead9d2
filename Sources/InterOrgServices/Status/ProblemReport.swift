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
    /// Where the entry stands in the directory, if it stands there.
    public var dn: String?
    public var operation: String
    public var kind: Problem.Kind
    public var reason: String
    /// What the directory's server said, if it was asked.
    public var answer: ServerAnswer?
    public var attempts: Int
    public var firstSeen: Date
    public var lastSeen: Date
    public var nextAttempt: Date?

    /// It waits for a person.
    public var isHeld: Bool { kind == .held && !isReleased }

    /// A person has let it go: it happens in the next cycle.
    public var isReleased: Bool { kind == .held && nextAttempt != nil }

    /// A person has refused it: the entry stays as it is.
    public var isKept: Bool { kind == .kept }

    /// One line for people.
    public var text: String {
        let state = isReleased ? "released" : kind.rawValue
        let place = dn.map { " at \($0)" } ?? ""
        return "\(state)  \(organization)  \(entryUUID)  \(operation) \(entry ?? "?")\(place): \(reason) (\(times))"
    }

    private var times: String {
        var text = "attempts: \(attempts) since \(firstSeen.formatted(.iso8601)), last \(lastSeen.formatted(.iso8601))"
        if let nextAttempt {
            text += ", again \(nextAttempt > Date() ? "after \(nextAttempt.formatted(.iso8601))" : "in the next cycle")"
        }
        return text
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
                dn: listed.dn,
                operation: problem.isDeletion ? "delete" : "import", kind: problem.kind, reason: problem.reason,
                answer: problem.answer, attempts: problem.attempts, firstSeen: problem.firstSeen,
                lastSeen: problem.lastSeen,
                nextAttempt: problem.nextAttempt)
        }
    }

    /// Lets held changes happen in the next cycle: those of these entries, or all that nobody has decided on.
    ///
    /// - Returns: how many there were.
    public static func release(_ uuids: Set<UUID>?, _ configuration: Configuration) async throws -> Int {
        try await configuration.existingStore().releaseHeldDeletions(uuids, now: Date())
    }

    /// Refuses held changes: those of these entries, or all that nobody has decided on.
    ///
    /// - Returns: how many there were.
    public static func refuse(_ uuids: Set<UUID>?, _ configuration: Configuration) async throws -> Int {
        try await configuration.existingStore().refuseHeldDeletions(uuids)
    }

    /// Lets entries that could not be imported be tried again in the next cycle: these, or all.
    ///
    /// - Returns: how many there were.
    public static func retry(_ uuids: Set<UUID>?, _ configuration: Configuration) async throws -> Int {
        try await configuration.existingStore().retryProblems(uuids, now: Date())
    }
}
