import AddressBook
import Foundation
import GRDB
import IncrementalSync

/// What a directory adapter asks about places. All synchronizations of a service share
/// one directory, so a place is looked up among all of them.
extension StoredSynchronizationState: PlaceIndex {
    public func entries(at keys: [String]) async throws -> [String: KnownEntry] {
        guard !keys.isEmpty else { return [:] }
        return try await store.read { db in
            var entries: [String: KnownEntry] = [:]
            for key in keys { entries[key] = try Self.entry(at: key, in: db) }
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

    public func replaced(by uuids: [UUID]) async throws -> [UUID: EntryID] {
        guard !uuids.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT organization, uuid FROM exchange_record WHERE replaced_by = ? LIMIT 1")
            var entries: [UUID: EntryID] = [:]
            for uuid in uuids {
                entries[uuid] = try Row.fetchOne(statement, arguments: [uuid]).map { EntryID($0) }
            }
            return entries
        }
    }

    public func replacements(of entries: [EntryID]) async throws -> [EntryID: UUID] {
        guard !entries.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT replaced_by FROM exchange_record
                    WHERE synchronization IN (SELECT id FROM synchronization)
                    AND organization = ? AND uuid = ? AND replaced_by IS NOT NULL
                    """)
            var replacements: [EntryID: UUID] = [:]
            for entry in entries {
                let row = try Row.fetchOne(statement, arguments: [entry.organization.uuid, entry.uuid])
                replacements[entry] = row?["replaced_by"]
            }
            return replacements
        }
    }

    public func containers(after number: Int64) async throws -> (places: [Place], newest: Int64) {
        let hierarchy = "\(name.dropLast(stream.rawValue.count))\(ChangeStream.hierarchy.rawValue)"
        return try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT number, place_key, place FROM container
                    JOIN exchange_record USING (synchronization, organization, uuid)
                    WHERE number > ? AND synchronization = (SELECT id FROM synchronization WHERE name = ?)
                    ORDER BY number
                    """,
                arguments: [number, hierarchy])
            return (rows.compactMap { Place($0) }, rows.last?["number"] ?? number)
        }
    }
}
