import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// What an entry's content was made from. A reference is stale once something else stands at its place than what was
/// found there; triggers on the records mark it, so that looking for stale ones is cheap when nothing has changed.
extension StoredSynchronizationState {
    /// Part of a step's transaction, after the records: what the references name may have changed in the same step.
    func recordReferences(_ step: Step, in db: Database) throws {
        // Only what is read from a directory names places.
        guard let directory = ends.source else { return }
        let clear = try db.cachedStatement(
            sql: "DELETE FROM reference WHERE synchronization = ? AND organization = ? AND uuid = ?")
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO reference
                    (synchronization, organization, uuid, place, found_organization, found_uuid, found_label, stale)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """)
        let entries = Set(step.exchanged.map(\.id)).union(step.references.keys).subtracting(step.deleted)
        let known = try references(of: entries, in: db)
        var changed: [(entry: EntryID, references: [ReferenceRow])] = []
        for entry in entries.sorted() {
            let new = (step.references[entry] ?? []).map(ReferenceRow.init)
            let old = known[entry] ?? []
            if old.count == new.count, old.allSatisfy({ !$0.isStale && new.contains($0) }) { continue }
            if !old.isEmpty { try clear.execute(arguments: [id, entry.organization.uuid, entry.uuid]) }
            changed.append((entry, new))
        }
        let places = Set(changed.flatMap { $0.references.map(\.place) })
        let targets = try StoredPlaceIndex.entries(at: places, of: directory, in: db)
        for (entry, references) in changed {
            for reference in references {
                try insert.execute(arguments: [
                    id, entry.organization.uuid, entry.uuid, reference.place, reference.found?.organization.uuid,
                    reference.found?.uuid, reference.label, !reference.isTrue(of: targets[reference.place]),
                ])
            }
        }
    }

    private func references(of entries: Set<EntryID>, in db: Database) throws -> [EntryID: [ReferenceRow]] {
        let find = try db.cachedStatement(
            sql: """
                \(Asked.entries)
                SELECT organization, uuid, place, found_organization, found_uuid, found_label, stale
                FROM asked CROSS JOIN reference USING (organization, uuid)
                WHERE synchronization = :synchronization
                """)
        let rows = try Row.fetchCursor(
            find, arguments: ["entries": Asked.list(of: entries), "synchronization": id])
        var references: [EntryID: [ReferenceRow]] = [:]
        while let row = try rows.next() { references[EntryID(row), default: []].append(ReferenceRow(row)) }
        return references
    }

    /// See ``PlaceIndex``.
    func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT organization, uuid FROM reference
                    WHERE stale AND synchronization = ? AND (organization, uuid) > (?, ?)
                    AND NOT EXISTS (
                        SELECT 1 FROM problem WHERE problem.synchronization = reference.synchronization
                        AND problem.organization = reference.organization AND problem.uuid = reference.uuid
                        AND problem.entry IS NULL)
                    ORDER BY organization, uuid LIMIT ?
                    """,
                arguments: [
                    id, after.map { Data($0.organization.uuid.bytes) } ?? Data(),
                    after.map { Data($0.uuid.bytes) } ?? Data(), limit,
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

    init(_ row: Row) {
        place = row["place"]
        if let organization: UUID = row["found_organization"], let uuid: UUID = row["found_uuid"] {
            found = EntryID(organization: OrganizationID(organization), uuid: uuid)
        }
        label = row["found_label"]
        isStale = row["stale"]
    }

    func isTrue(of target: KnownEntry?) -> Bool {
        found == target?.id && (label == nil || label == target?.label)
    }
}
