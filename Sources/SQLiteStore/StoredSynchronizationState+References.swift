import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// What an entry's content was made from. A reference is stale once something else stands at its place than what was
/// found there; triggers on the records mark it, so that looking for stale ones is cheap when nothing has changed.
extension StoredSynchronizationState {
    /// Part of a step's transaction, after the records: what the references name may have changed in the same step. Entries
    /// of which the step says nothing keep theirs.
    ///
    /// - Parameter inserted: the numbers of records that had no references before.
    func recordReferences(_ step: Step, inserted: [EntryID: Int64], in db: Database) throws {
        // Only what is read from a directory names places.
        guard let directory = ends.source else { return }
        let clear = try db.cachedStatement(sql: "DELETE FROM reference WHERE record = ?")
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO reference
                    (synchronization, record, place_hash, place, found_organization, found_uuid, found_label, stale)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """)
        var said = step.references
        for entry in step.deleted { said[entry] = nil }
        var changed: [(record: Int64, references: [ReferenceRow])] = []
        for (entry, record) in inserted {
            if let references = said.removeValue(forKey: entry) {
                changed.append((record, references.map(ReferenceRow.init)))
            }
        }
        for (entry, known) in try references(of: said.keys, in: db) {
            let new = (said[entry] ?? []).map(ReferenceRow.init)
            let old = known.references
            if old.count == new.count, old.allSatisfy({ !$0.isStale && new.contains($0) }) { continue }
            if !old.isEmpty { try clear.execute(arguments: [known.record]) }
            changed.append((known.record, new))
        }
        changed.sort { $0.record < $1.record }
        let places = Set(changed.flatMap { $0.references.map(\.place) })
        let targets = try StoredPlaceIndex.entries(at: places, of: directory, in: db)
        for (record, references) in changed {
            for reference in references {
                try insert.execute(arguments: [
                    id, record, PlaceHash.of(reference.place), reference.place, reference.found?.organization.uuid,
                    reference.found?.uuid, reference.label, !reference.isTrue(of: targets[reference.place]),
                ])
            }
        }
    }

    /// The numbers of the entries' records, and the references of each.
    private func references(
        of entries: some Collection<EntryID>, in db: Database
    ) throws -> [EntryID: (record: Int64, references: [ReferenceRow])] {
        guard !entries.isEmpty else { return [:] }
        let find = try db.cachedStatement(
            sql: """
                \(Asked.entries)
                SELECT number, organization, uuid, reference.place, found_organization, found_uuid, found_label, stale
                FROM asked CROSS JOIN exchange_record AS record USING (organization, uuid)
                LEFT JOIN reference ON reference.record = number
                WHERE record.synchronization = :synchronization
                """)
        let rows = try Row.fetchCursor(
            find, arguments: ["entries": Asked.list(of: entries), "synchronization": id])
        var found: [EntryID: (record: Int64, references: [ReferenceRow])] = Dictionary(minimumCapacity: entries.count)
        while let row = try rows.next() {
            let entry = EntryID(organization: OrganizationID(row[1]), uuid: row[2])
            found[entry, default: (row[0], [])].references += ReferenceRow(row).map { [$0] } ?? []
        }
        return found
    }

    /// See ``PlaceIndex``.
    func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT own.organization, own.uuid
                    FROM reference CROSS JOIN exchange_record AS own ON own.number = reference.record
                    WHERE reference.stale AND reference.synchronization = :synchronization
                    AND reference.record > coalesce(
                        (SELECT number FROM exchange_record
                         WHERE synchronization = :synchronization AND organization = :organization AND uuid = :uuid), 0)
                    AND NOT EXISTS (
                        SELECT 1 FROM problem WHERE problem.synchronization = :synchronization
                        AND problem.organization = own.organization AND problem.uuid = own.uuid
                        AND problem.entry IS NULL)
                    GROUP BY reference.record ORDER BY reference.record LIMIT :limit
                    """,
                arguments: [
                    "synchronization": id, "organization": after?.organization.uuid, "uuid": after?.uuid,
                    "limit": limit,
                ]
            ).map { EntryID($0) }
        }
    }
}

/// A reference as its row has it.
private struct ReferenceRow: Hashable {
    var place: String
    var found: EntryID?
    /// Nil where the content does not show it.
    var label: String?
    var isStale = false

    init(_ reference: ResolvedReference) {
        place = reference.place
        found = reference.found?.id
        label = reference.showsLabel ? reference.found?.label : nil
    }

    /// Of a row of ``StoredSynchronizationState/references(of:in:)``; nil if the entry has no references.
    init?(_ row: Row) {
        guard let place: String = row[3] else { return nil }
        self.place = place
        if let organization: UUID = row[4], let uuid: UUID = row[5] {
            found = EntryID(organization: OrganizationID(organization), uuid: uuid)
        }
        label = row[6]
        isStale = row[7]
    }

    func isTrue(of target: KnownEntry?) -> Bool {
        found == target?.id && (label == nil || label == target?.label)
    }
}
