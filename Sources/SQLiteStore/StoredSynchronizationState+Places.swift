import AddressBook
import Foundation
import GRDB
import IncrementalSync

extension StoredSynchronizationState {
    /// What the source asks, if it is a directory.
    public var sourceIndex: any PlaceIndex { StoredPlaceIndex(store: store, directory: ends.source, id: id) }

    /// What the collector asks, if its store is a directory.
    public var destinationIndex: any PlaceIndex { StoredPlaceIndex(store: store, directory: ends.destination, id: id) }

    /// Containers that stand elsewhere now take along what is below them. Part of a step's transaction, before the
    /// containers' own records.
    func moveContents(of containers: [ExchangeRecord], in db: Database) throws {
        try StoredPlaceIndex(store: store, directory: ends.source, id: id).moveContents(
            of: containers, to: \.home, in: db)
        try StoredPlaceIndex(store: store, directory: ends.destination, id: id)
            .moveContents(of: containers, to: \.place, in: db)
    }
}

/// Where entries stand in one directory. A synchronization that reads the directory records it as the entry's home, one
/// that writes it as the entry's place.
private struct StoredPlaceIndex: PlaceIndex {
    let store: ServiceStore
    /// Nil where the store of that side has no places.
    let directory: String?
    /// The synchronization that asks.
    let id: Int64

    private static let sides = [
        Side(column: "home", synchronizations: "(SELECT id FROM synchronization WHERE source = :directory)"),
        Side(column: "place", synchronizations: "(SELECT id FROM synchronization WHERE destination = :directory)"),
    ]

    private struct Side {
        var column: String
        var synchronizations: String
    }

    /// While the deletion of an entry is held, another one may have taken its place.
    func entries(at keys: [String]) async throws -> [String: KnownEntry] {
        guard let directory, !keys.isEmpty else { return [:] }
        let standing = Self.sides.map { side in
            """
            SELECT synchronization, organization, uuid, label FROM exchange_record
            WHERE \(side.column)_key = :key AND synchronization IN \(side.synchronizations)
            """
        }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT organization, uuid, label FROM (\(standing.joined(separator: " UNION ALL "))) AS record
                    ORDER BY EXISTS (
                        SELECT 1 FROM problem WHERE problem.synchronization = record.synchronization
                        AND problem.organization = record.organization AND problem.uuid = record.uuid
                        AND problem.entry IS NULL)
                    LIMIT 1
                    """)
            var entries: [String: KnownEntry] = [:]
            for key in keys {
                guard let row = try Row.fetchOne(statement, arguments: ["key": key, "directory": directory]) else {
                    continue
                }
                entries[key] = KnownEntry(id: EntryID(row), label: row["label"] ?? "")
            }
            return entries
        }
    }

    func recorded(_ entries: [EntryID]) async throws -> Set<EntryID> {
        try await store.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT 1 FROM exchange_record WHERE synchronization = ? AND organization = ? AND uuid = ?")
            return Set(
                try entries.filter {
                    try Row.fetchOne(statement, arguments: [id, $0.organization.uuid, $0.uuid]) != nil
                })
        }
    }

    func places(of entries: [EntryID]) async throws -> [EntryID: Place] {
        guard let directory, !entries.isEmpty else { return [:] }
        return try await store.read { db in
            var places: [EntryID: Place] = [:]
            for side in Self.sides {
                let statement = try db.cachedStatement(
                    sql: """
                        SELECT \(side.column)_key, \(side.column) FROM exchange_record
                        WHERE synchronization IN \(side.synchronizations)
                        AND organization = :organization AND uuid = :uuid AND \(side.column)_key IS NOT NULL
                        """)
                for entry in entries where places[entry] == nil {
                    let row = try Row.fetchOne(
                        statement,
                        arguments: [
                            "directory": directory, "organization": entry.organization.uuid, "uuid": entry.uuid,
                        ])
                    places[entry] = row.flatMap { Place($0, side.column) }
                }
            }
            return places
        }
    }

    /// Containers may change places with each other: the contents of each go to a place that is nobody's first.
    func moveContents(
        of containers: [ExchangeRecord], to new: KeyPath<ExchangeRecord, Place?>, in db: Database
    ) throws {
        guard let directory else { return }
        let column = new == \.home ? "home" : "place"
        let find = try db.cachedStatement(
            sql: """
                SELECT \(column)_key, \(column) FROM exchange_record
                WHERE synchronization = ? AND organization = ? AND uuid = ?
                """)
        var moves: [(between: Place, new: Place)] = []
        for container in containers {
            let arguments: StatementArguments = [id, container.id.organization.uuid, container.id.uuid]
            guard let new = container[keyPath: new], let row = try Row.fetchOne(find, arguments: arguments),
                let old = Place(row, column)
            else { continue }
            // It may have gone along with the container above it.
            let arrived = moves.reversed().reduce(old) { place, move in place.moved(from: move.between, to: move.new) }
            guard arrived != new else { continue }
            let between = Place(key: "\u{1}\(moves.count)", text: "\u{1}\(moves.count)")
            try Self.movePlaces(below: old, to: between, of: directory, in: db)
            moves.append((between, new))
        }
        for move in moves.reversed() { try Self.movePlaces(below: move.between, to: move.new, of: directory, in: db) }
    }

    private static func movePlaces(below old: Place, to new: Place, of directory: String, in db: Database) throws {
        for side in sides {
            let (key, text) = ("\(side.column)_key", side.column)
            try db.execute(
                sql: """
                    UPDATE exchange_record SET
                        \(key) = substr(\(key), 1, length(\(key)) - length(:oldKey)) || :newKey,
                        \(text) = substr(\(text), 1, length(\(text)) - length(:oldText)) || :newText
                    WHERE length(\(key)) > length(:oldKey) AND substr(\(key), -length(:oldKey) - 1) = ',' || :oldKey
                    AND synchronization IN \(side.synchronizations)
                    """,
                arguments: [
                    "oldKey": old.key, "newKey": new.key, "oldText": old.text, "newText": new.text,
                    "directory": directory,
                ])
        }
    }

    func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID] {
        guard let directory else { return [] }
        let joins = Self.sides.map { side in
            """
            LEFT JOIN exchange_record AS \(side.column) ON \(side.column).\(side.column)_key = reference.place
            AND \(side.column).synchronization IN \(side.synchronizations)
            """
        }
        return try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT reference.organization, reference.uuid FROM reference
                    \(joins.joined(separator: "\n"))
                    WHERE reference.synchronization = :id
                    AND (reference.organization, reference.uuid) > (:organization, :uuid)
                    AND (coalesce(home.organization, place.organization) IS NOT reference.found_organization
                        OR coalesce(home.uuid, place.uuid) IS NOT reference.found_uuid
                        OR coalesce(home.label, place.label) IS NOT reference.found_label)
                    ORDER BY reference.organization, reference.uuid LIMIT :limit
                    """,
                arguments: [
                    "id": id, "directory": directory, "limit": limit,
                    "organization": after.map { Data($0.organization.uuid.bytes) } ?? Data(),
                    "uuid": after.map { Data($0.uuid.bytes) } ?? Data(),
                ]
            ).map { EntryID($0) }
        }
    }
}
