import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// What a directory adapter asks about places. All synchronizations of a service share
/// one directory, so a place is looked up among all of them.
extension StoredSynchronizationState: PlaceIndex {
    /// What is known to stand at the places with these keys. While the deletion of an entry is held, another one may
    /// have taken its place.
    public func entries(at keys: [String]) async throws -> [String: KnownEntry] {
        guard !keys.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT organization, uuid, label FROM exchange_record AS record WHERE place_key = ?
                    ORDER BY EXISTS (
                        SELECT 1 FROM problem WHERE problem.synchronization = record.synchronization
                        AND problem.organization = record.organization AND problem.uuid = record.uuid
                        AND problem.entry IS NULL)
                    LIMIT 1
                    """)
            var entries: [String: KnownEntry] = [:]
            for key in keys {
                guard let row = try Row.fetchOne(statement, arguments: [key]) else { continue }
                entries[key] = KnownEntry(id: EntryID(row), label: row["label"] ?? "")
            }
            return entries
        }
    }

    /// Where entries stand, whichever synchronization knows them.
    public func places(of entries: [EntryID]) async throws -> [EntryID: Place] {
        guard !entries.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT place_key, place FROM exchange_record
                    WHERE synchronization IN (SELECT id FROM synchronization)
                    AND organization = ? AND uuid = ? AND place_key IS NOT NULL
                    """)
            var places: [EntryID: Place] = [:]
            for entry in entries {
                let row = try Row.fetchOne(statement, arguments: [entry.organization.uuid, entry.uuid])
                places[entry] = row.flatMap { Place($0) }
            }
            return places
        }
    }

    /// Containers that stand elsewhere now take along what is below them. Part of a step's transaction, before the
    /// containers' own records.
    ///
    /// Containers may change places with each other: the contents of each go to a place that is nobody's first.
    func moveContents(of containers: [ExchangeRecord], in db: Database) throws {
        let find = try db.cachedStatement(
            sql: """
                SELECT place_key, place FROM exchange_record
                WHERE synchronization = ? AND organization = ? AND uuid = ?
                """)
        var moves: [(between: Place, new: Place)] = []
        for container in containers {
            let arguments: StatementArguments = [id, container.id.organization.uuid, container.id.uuid]
            guard let new = container.place, let row = try Row.fetchOne(find, arguments: arguments),
                let old = Place(row)
            else { continue }
            // It may have gone along with the container above it.
            let arrived = moves.reversed().reduce(old) { place, move in place.moved(from: move.between, to: move.new) }
            guard arrived != new else { continue }
            let between = Place(key: "\u{1}\(moves.count)", text: "\u{1}\(moves.count)")
            try Self.movePlaces(below: old, to: between, in: db)
            moves.append((between, new))
        }
        for move in moves.reversed() { try Self.movePlaces(below: move.between, to: move.new, in: db) }
    }

    private static func movePlaces(below old: Place, to new: Place, in db: Database) throws {
        try db.execute(
            sql: """
                UPDATE exchange_record SET
                    place_key = substr(place_key, 1, length(place_key) - length(:oldKey)) || :newKey,
                    place = substr(place, 1, length(place) - length(:oldText)) || :newText
                WHERE length(place_key) > length(:oldKey)
                AND substr(place_key, -length(:oldKey) - 1) = ',' || :oldKey
                """,
            arguments: ["oldKey": old.key, "newKey": new.key, "oldText": old.text, "newText": new.text])
    }

    /// Entries of this synchronization whose content was made from something that is not so any more.
    ///
    /// - Parameter after: entries after this one, in the order of their IDs.
    public func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT reference.organization, reference.uuid FROM reference
                    LEFT JOIN exchange_record AS target ON target.place_key = reference.place
                    WHERE reference.synchronization = ?
                    AND (reference.organization, reference.uuid) > (?, ?)
                    AND (target.organization IS NOT reference.found_organization
                        OR target.uuid IS NOT reference.found_uuid OR target.label IS NOT reference.found_label)
                    ORDER BY reference.organization, reference.uuid LIMIT ?
                    """,
                arguments: [
                    id, after.map { Data($0.organization.uuid.bytes) } ?? Data(),
                    after.map { Data($0.uuid.bytes) } ?? Data(), limit,
                ]
            ).map { EntryID($0) }
        }
    }
}
