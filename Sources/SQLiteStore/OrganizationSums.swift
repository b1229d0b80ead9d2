import AddressBook
import Foundation
import GRDB

/// What changes in the sums of the organizations' entries.
struct SummaryChanges {
    private(set) var sums: [OrganizationID: SetSummary] = [:]

    /// An entry's content takes the place of another; nil: there is none.
    mutating func replace(_ id: EntryID, _ old: EntryDigest?, with new: EntryDigest?) {
        guard old != new else { return }
        if let old { sums[id.organization, default: SetSummary()].remove(id, old) }
        if let new { sums[id.organization, default: SetSummary()].insert(id, new) }
    }
}

/// The sums of the entries, with their digests, that a log has of each organization, or that a synchronization has received.
/// Kept up to date with every step, so that comparing costs nothing.
struct OrganizationSums {
    enum Owner {
        case log
        case synchronization(Int64)
    }

    private let owner: Int64

    init(of owner: Owner) {
        switch owner {
        case .log: self.owner = 0
        case .synchronization(let id): self.owner = id
        }
    }

    func all(in db: Database) throws -> [OrganizationID: SetSummary] {
        let statement = try db.cachedStatement(
            sql: "SELECT organization, count, hash FROM organization_sum WHERE synchronization = ?")
        var sums: [OrganizationID: SetSummary] = [:]
        for row in try Row.fetchAll(statement, arguments: [owner]) {
            sums[OrganizationID(row["organization"])] = SetSummary(row)
        }
        return sums
    }

    func add(_ changes: SummaryChanges, in db: Database) throws {
        let known = try db.cachedStatement(
            sql: "SELECT count, hash FROM organization_sum WHERE synchronization = ? AND organization = ?")
        let store = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO organization_sum (synchronization, organization, count, hash)
                VALUES (?, ?, ?, ?)
                """)
        for (organization, change) in changes.sums where change != SetSummary() {
            let row = try Row.fetchOne(known, arguments: [owner, organization.uuid])
            let sum = (row.flatMap { SetSummary($0) } ?? SetSummary()) + change
            try store.execute(arguments: [owner, organization.uuid, sum.count, Data(sum.hashBytes)])
        }
    }

    /// Begins with what is there.
    func rebuild(in db: Database) throws {
        try db.run(sql: "DELETE FROM organization_sum WHERE synchronization = ?", arguments: [owner])
        var sums = SummaryChanges()
        let rows = try Row.fetchCursor(
            db,
            sql: owner == 0
                ? "SELECT organization, uuid, digest, FALSE AS is_problem, NULL AS entry FROM log_entry"
                : Self.received(from: "(SELECT * FROM exchange_record WHERE synchronization = :synchronization)")
                    + " UNION "
                    + Self.received(from: "(SELECT * FROM problem WHERE synchronization = :synchronization)"),
            arguments: owner == 0 ? [] : ["synchronization": owner])
        while let row = try rows.next() { sums.replace(Self.id(row), nil, with: try ReceivedContent(row).digest) }
        try add(sums, in: db)
    }

    static func rebuildAll(in db: Database) throws {
        try OrganizationSums(of: .log).rebuild(in: db)
        for id in try Int64.fetchAll(db, sql: "SELECT id FROM synchronization WHERE source IS NULL") {
            try OrganizationSums(of: .synchronization(id)).rebuild(in: db)
        }
    }

    /// What a synchronization has received of the entries in a table, whatever its destination took of it.
    static func received(from table: String) -> String {
        """
        SELECT asked.organization, asked.uuid, record.digest, problem.uuid IS NOT NULL AS is_problem, problem.entry
        FROM \(table) AS asked
        LEFT JOIN exchange_record AS record ON record.synchronization = :synchronization
            AND record.organization = asked.organization AND record.uuid = asked.uuid
        LEFT JOIN problem ON problem.synchronization = :synchronization
            AND problem.organization = asked.organization AND problem.uuid = asked.uuid
        """
    }

    /// Of a row of ``received(from:)``, whose columns are told by their numbers: by name takes longer.
    static func id(_ row: Row) -> EntryID { EntryID(organization: OrganizationID(row[0]), uuid: row[1]) }

    /// Of synchronizations that there are no more: their IDs may be given again.
    static func forgetOrphans(in db: Database) throws {
        try db.run(
            sql: """
                DELETE FROM organization_sum
                WHERE synchronization <> 0 AND synchronization NOT IN (SELECT id FROM synchronization)
                """)
    }
}

/// What a synchronization has received of an entry.
struct ReceivedContent {
    /// By its record, which is what the destination has.
    var record: EntryDigest?
    /// By its problem, if it has one; nil within: it is to be deleted.
    var problem: EntryDigest??

    /// From a row of ``OrganizationSums/received(from:)``.
    init(_ row: Row) throws {
        let digest: Data? = row[2]
        record = digest.map { EntryDigest(bytes: Array($0)) }
        let isProblem: Bool = row[3]
        guard isProblem else { return }
        let entry: Data? = row[4]
        problem = .some(try entry.map { try Entry(JSON(parsing: $0)).digest })
    }

    /// Nil if the entry is deleted, or has not come; or is to come and to be written anew.
    var digest: EntryDigest? {
        if let problem { return problem }
        return record == .unknown ? nil : record
    }
}

extension SetSummary {
    /// From the columns `count` and `hash`.
    fileprivate init?(_ row: Row) {
        let hash: Data = row["hash"]
        self.init(count: row["count"], hashBytes: Array(hash))
    }
}
