import AddressBook
import Foundation
import GRDB
import IncrementalSync

extension StoredSynchronizationState {
    public func problems(_ ids: [EntryID]) async throws -> [EntryID: Problem] {
        try await store.read { db in
            let any = try db.cachedStatement(sql: "SELECT 1 FROM problem WHERE synchronization = ? LIMIT 1")
            guard try Row.fetchOne(any, arguments: [id]) != nil else { return [:] }
            let statement = try db.cachedStatement(
                sql: "SELECT * FROM problem WHERE synchronization = ? AND organization = ? AND uuid = ?")
            var problems: [EntryID: Problem] = [:]
            for entry in ids {
                let arguments: StatementArguments = [id, entry.organization.uuid, entry.uuid]
                if let row = try Row.fetchOne(statement, arguments: arguments) {
                    problems[entry] = try Problem(row)
                }
            }
            return problems
        }
    }

    public func dueProblems(now: Date, limit: Int) async throws -> [Problem] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM problem WHERE synchronization = ? AND next_attempt <= ?
                    ORDER BY next_attempt LIMIT ?
                    """,
                arguments: [id, now.timeIntervalSinceReferenceDate, limit]
            ).map { try Problem($0) }
        }
    }

    func record(_ problem: Problem, in db: Database) throws {
        let entry = problem.change.entry.map { Data($0.json) }
        try db.run(
            sql: """
                INSERT OR REPLACE INTO problem
                    (synchronization, organization, uuid, kind, entry, reason, label, first_seen, last_seen, attempts,
                     next_attempt, answer)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, problem.id.organization.uuid, problem.id.uuid, problem.kind.rawValue, entry, problem.reason,
                problem.label, problem.firstSeen.timeIntervalSinceReferenceDate,
                problem.lastSeen.timeIntervalSinceReferenceDate, problem.attempts,
                problem.nextAttempt?.timeIntervalSinceReferenceDate,
                try problem.answer.map { try JSONEncoder().encode($0) },
            ])
    }
}

extension Problem {
    init(_ row: Row) throws {
        let entry: Data? = row["entry"]
        let change: Change =
            try entry.map { .upsert(try Entry(JSON(parsing: $0))) } ?? .delete(EntryID(row))
        let nextAttempt: Double? = row["next_attempt"]
        let answer: Data? = row["answer"]
        self.init(
            change: change, kind: Kind(rawValue: row["kind"]) ?? .refused, reason: row["reason"],
            answer: try answer.map { try JSONDecoder().decode(ServerAnswer.self, from: $0) }, label: row["label"],
            firstSeen: Date(timeIntervalSinceReferenceDate: row["first_seen"]),
            lastSeen: Date(timeIntervalSinceReferenceDate: row["last_seen"]), attempts: row["attempts"],
            nextAttempt: nextAttempt.map { Date(timeIntervalSinceReferenceDate: $0) })
    }
}

/// A problem and the synchronization that has it.
public struct ListedProblem: Sendable {
    public var synchronization: String
    public var problem: Problem
    /// Where the entry stands, as far as the synchronization knows.
    public var dn: String?
}

extension ServiceStore {
    /// All problems of the service, oldest first.
    public func problems(limit: Int = 10_000) async throws -> [ListedProblem] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT synchronization.name, problem.*, coalesce(record.place, record.home) AS dn FROM problem
                    JOIN synchronization ON synchronization.id = problem.synchronization
                    LEFT JOIN exchange_record AS record ON record.synchronization = problem.synchronization
                        AND record.organization = problem.organization AND record.uuid = problem.uuid
                    ORDER BY first_seen, problem.uuid LIMIT ?
                    """,
                arguments: [limit]
            ).map { ListedProblem(synchronization: $0["name"], problem: try Problem($0), dn: $0["dn"]) }
        }
    }

    /// How many problems there are with each organization's entries, without the deletions that a person has decided on.
    public func problemCounts() async throws -> [OrganizationID: ProblemCount] {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT organization, COUNT(*) FILTER (WHERE kind = 'held') AS held,
                        COUNT(*) FILTER (WHERE kind <> 'held') AS problems
                    FROM problem WHERE kind <> 'kept' AND (kind <> 'held' OR next_attempt IS NULL)
                    GROUP BY organization
                    """)
            return Dictionary(
                uniqueKeysWithValues: rows.map {
                    (OrganizationID($0["organization"]), ProblemCount(problems: $0["problems"], held: $0["held"]))
                })
        }
    }
}

/// How many problems there are.
public struct ProblemCount: Hashable, Sendable {
    /// Entries that could not be imported.
    public var problems = 0
    /// Changes that the guard holds until a person decides.
    public var held = 0

    public init(problems: Int = 0, held: Int = 0) {
        self.problems = problems
        self.held = held
    }
}
