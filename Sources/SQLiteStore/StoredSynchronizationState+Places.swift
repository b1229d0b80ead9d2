import AddressBook
import Foundation
import GRDB
import IncrementalSync

extension StoredSynchronizationState {
    /// What the source asks, if it is a directory.
    public var sourceIndex: any PlaceIndex { StoredPlaceIndex(state: self, directory: ends.source) }

    /// What the collector asks, if its store is a directory.
    public var destinationIndex: any PlaceIndex { StoredPlaceIndex(state: self, directory: ends.destination) }

    /// Containers that stand elsewhere now take along what is below them. Part of a step's transaction, before the
    /// containers' own records.
    func moveContents(of containers: [ExchangeRecord], in db: Database) throws {
        try StoredPlaceIndex(state: self, directory: ends.source).moveContents(of: containers, to: \.home, in: db)
        try StoredPlaceIndex(state: self, directory: ends.destination).moveContents(of: containers, to: \.place, in: db)
    }
}

/// Where entries stand in one directory. A synchronization that reads the directory records it as the entry's home, one
/// that writes it as the entry's place.
struct StoredPlaceIndex: PlaceIndex {
    /// That of the synchronization that asks.
    let state: StoredSynchronizationState
    /// Nil where the store of that side has no places.
    let directory: String?

    private var store: ServiceStore { state.store }
    private var id: Int64 { state.id }

    private static let sides = [
        Side(column: "home", synchronizations: "(SELECT id FROM synchronization WHERE source = :directory)"),
        Side(column: "place", synchronizations: "(SELECT id FROM synchronization WHERE destination = :directory)"),
    ]

    /// Where entries would stand that cannot stand there: it moves with their containers, too.
    private static let wanted = Side(
        column: "wanted", synchronizations: sides[1].synchronizations,
        table: "exchange_record INDEXED BY exchange_record_wanted")

    private struct Side {
        var column: String
        var hash: String { "\(column)_hash" }
        var synchronizations: String
        /// With the index of those that have a value, where they are few.
        var table = "exchange_record"
    }

    func entries(at keys: [String]) async throws -> [String: KnownEntry] {
        guard let directory, !keys.isEmpty else { return [:] }
        return try await store.read { db in
            try Self.entries(at: Set(keys), of: directory, in: db)
        }
    }

    private static let entriesQuery = sides.map { side in
        """
        SELECT \(side.column)_key, organization, uuid, label FROM json_each(:hashes) CROSS JOIN exchange_record
        WHERE \(side.hash) = value AND synchronization IN \(side.synchronizations)
        """
    }.joined(separator: " UNION ALL ")

    /// What is known to stand at places.
    static func entries(
        at keys: Set<String>, of directory: String, in db: Database
    ) throws -> [String: KnownEntry] {
        let statement = try db.cachedStatement(sql: entriesQuery)
        let rows = try Row.fetchCursor(
            statement, arguments: ["hashes": Asked.list(of: keys.map(PlaceHash.of)), "directory": directory])
        var entries: [String: KnownEntry] = Dictionary(minimumCapacity: keys.count)
        var shared: Set<String> = []
        while let row = try rows.next() {
            let key: String = row[0]
            guard keys.contains(key) else { continue }
            let entry = KnownEntry(
                id: EntryID(organization: OrganizationID(row[1]), uuid: row[2]), label: row[3] ?? "")
            if entries.updateValue(entry, forKey: key) != nil { shared.insert(key) }
        }
        for key in shared { entries[key] = try entry(at: key, of: directory, in: db) }
        return entries
    }

    private static let entryQuery = """
        SELECT organization, uuid, label FROM (\(sides.map { side in
            """
            SELECT synchronization, organization, uuid, label FROM exchange_record
            WHERE \(side.hash) = :hash AND \(side.column)_key = :key
            AND synchronization IN \(side.synchronizations)
            """
        }.joined(separator: " UNION ALL "))) AS record
        ORDER BY EXISTS (
            SELECT 1 FROM problem WHERE problem.synchronization = record.synchronization
            AND problem.organization = record.organization AND problem.uuid = record.uuid AND problem.entry IS NULL)
        LIMIT 1
        """

    /// What is known to stand at a place. While the deletion of an entry is held, another one may have taken its place.
    private static func entry(at key: String, of directory: String, in db: Database) throws -> KnownEntry? {
        let statement = try db.cachedStatement(sql: entryQuery)
        let arguments: StatementArguments = ["hash": PlaceHash.of(key), "key": key, "directory": directory]
        return try Row.fetchOne(statement, arguments: arguments).map {
            KnownEntry(id: EntryID($0), label: $0["label"] ?? "")
        }
    }

    func recorded(_ entries: [EntryID]) async throws -> Set<EntryID> {
        try await recorded(entries, by: "= :synchronization")
    }

    func known(_ entries: [EntryID]) async throws -> Set<EntryID> {
        try await recorded(
            entries,
            by: """
                IN (SELECT other.id FROM synchronization AS other
                    JOIN synchronization AS own ON own.destination = other.destination WHERE own.id = :synchronization)
                """)
    }

    func settledCount(of entries: [EntryID]?) async throws -> Int {
        try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    \(entries == nil ? "" : Asked.entries)
                    SELECT COUNT(*) FROM \(entries == nil ? "" : "asked CROSS JOIN") exchange_record AS record
                        \(entries == nil ? "" : "USING (organization, uuid)")
                    WHERE synchronization IN (SELECT id FROM synchronization WHERE destination = :directory)
                        AND place_key IS NOT NULL
                        AND NOT EXISTS (
                            SELECT 1 FROM problem WHERE problem.synchronization = record.synchronization
                                AND problem.organization = record.organization AND problem.uuid = record.uuid)
                    """)
            var arguments: StatementArguments = ["directory": directory]
            if let entries { arguments += ["entries": Asked.list(of: entries)] }
            return try Int.fetchOne(statement, arguments: arguments) ?? 0
        }
    }

    private func recorded(_ entries: [EntryID], by synchronizations: String) async throws -> Set<EntryID> {
        try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    \(Asked.entries)
                    SELECT organization, uuid FROM asked CROSS JOIN exchange_record USING (organization, uuid)
                    WHERE synchronization \(synchronizations)
                    """)
            let arguments: StatementArguments = ["entries": Asked.list(of: entries), "synchronization": id]
            return Set(try Row.fetchAll(statement, arguments: arguments).map { EntryID($0) })
        }
    }

    private static let placesQuery =
        Asked.entries
        + sides.map { side in
            """
             SELECT organization, uuid, \(side.column)_key, \(side.column)
            FROM asked CROSS JOIN exchange_record USING (organization, uuid)
            WHERE synchronization IN \(side.synchronizations) AND \(side.column)_key IS NOT NULL
            """
        }.joined(separator: " UNION ALL")

    func places(of entries: [EntryID]) async throws -> [EntryID: Place] {
        guard let directory, !entries.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(sql: Self.placesQuery)
            let rows = try Row.fetchCursor(
                statement, arguments: ["entries": Asked.list(of: entries), "directory": directory])
            var places: [EntryID: Place] = [:]
            while let row = try rows.next() {
                let entry = EntryID(organization: OrganizationID(row[0]), uuid: row[1])
                // An entry's home comes before its place.
                if places[entry] == nil { places[entry] = Place(key: row[2], text: row[3]) }
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
            // Alone, it has none to change places with.
            if containers.count == 1 { return try Self.movePlaces(below: old, to: new, of: directory, in: db) }
            let between = Place(key: "\u{1}\(moves.count)", text: "\u{1}\(moves.count)")
            try Self.movePlaces(below: old, to: between, of: directory, in: db)
            moves.append((between, new))
        }
        for move in moves.reversed() { try Self.movePlaces(below: move.between, to: move.new, of: directory, in: db) }
    }

    /// So many are looked for together.
    private static let movesTogether = 1000

    private static func movePlaces(below old: Place, to new: Place, of directory: String, in db: Database) throws {
        for side in sides + [wanted] {
            let (key, text) = ("\(side.column)_key", side.column)
            let find = try db.cachedStatement(
                sql: """
                    SELECT number, \(key), \(text) FROM \(side.table)
                    WHERE \(side.hash) IS NOT NULL AND number > :after AND length(\(key)) > length(:old)
                    AND substr(\(key), -length(:old) - 1) = ',' || :old AND synchronization IN \(side.synchronizations)
                    ORDER BY number LIMIT :limit
                    """)
            let update = try db.cachedStatement(
                sql: "UPDATE exchange_record SET \(side.hash) = ?, \(key) = ?, \(text) = ? WHERE number = ?")
            var after: Int64 = 0
            while true {
                let found = try Row.fetchAll(
                    find,
                    arguments: ["after": after, "old": old.key, "directory": directory, "limit": movesTogether])
                for row in found {
                    after = row[0]
                    let place = Place(key: row[1], text: row[2]).moved(from: old, to: new)
                    try update.execute(arguments: [place.hash, place.key, place.text, after])
                }
                if found.count < movesTogether { break }
            }
        }
    }

    func placeClaims(limit: Int) async throws -> [PlaceClaim] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT record.organization, record.uuid, record.place_key, record.place, record.wanted_key,
                        record.wanted, occupant.organization AS occupant_organization, occupant.uuid AS occupant_uuid,
                        occupant.place_key AS occupant_key, occupant.place AS occupant,
                        occupant.wanted_key IS occupant.place_key AS is_noted
                    FROM exchange_record AS record INDEXED BY exchange_record_wanted
                    LEFT JOIN exchange_record AS occupant ON occupant.place_hash = record.wanted_hash
                        AND occupant.place_key = record.wanted_key
                        AND occupant.synchronization = record.synchronization AND occupant.uuid <> record.uuid
                    WHERE record.wanted_hash IS NOT NULL AND record.synchronization = ?
                    AND (occupant.uuid IS NULL
                        OR (occupant.organization, occupant.uuid) > (record.organization, record.uuid))
                    ORDER BY record.organization, record.uuid LIMIT ?
                    """,
                arguments: [id, limit])
            return rows.compactMap { row in
                guard let place = Place(row, "place"), let wanted = Place(row, "wanted") else { return nil }
                let occupant: UUID? = row["occupant_uuid"]
                return PlaceClaim(
                    id: EntryID(row), place: place, wanted: wanted,
                    occupant: Place(row, "occupant").flatMap { place in
                        occupant.map { uuid in
                            PlaceClaim.Occupant(
                                id: EntryID(organization: OrganizationID(row["occupant_organization"]), uuid: uuid),
                                place: place, isNoted: row["is_noted"])
                        }
                    })
            }
        }
    }

    func staleReferrers(after: EntryID?, limit: Int) async throws -> [EntryID] {
        try await state.staleReferrers(after: after, limit: limit)
    }

    func unseen(in refresh: RefreshID, after: EntryID?, limit: Int) async throws -> [EntryID] {
        try await state.unseen(in: refresh, after: after, limit: limit)
    }

    func summary() async throws -> SetSummary { try await state.summary() }

    func replaced(by uuids: [UUID]) async throws -> [UUID: EntryID] {
        guard let directory, !uuids.isEmpty else { return [:] }
        return try await store.read { db in
            // Hardly ever there are any.
            let any = try db.cachedStatement(
                sql: "SELECT 1 FROM exchange_record WHERE replaced_by IS NOT NULL LIMIT 1")
            guard try Row.fetchOne(any) != nil else { return [:] }
            let statement = try db.cachedStatement(
                sql: """
                    SELECT organization, uuid FROM exchange_record
                    WHERE replaced_by = ? AND synchronization IN (SELECT id FROM synchronization WHERE source = ?)
                    LIMIT 1
                    """)
            var entries: [UUID: EntryID] = [:]
            for uuid in uuids {
                entries[uuid] = try Row.fetchOne(statement, arguments: [uuid, directory]).map { EntryID($0) }
            }
            return entries
        }
    }

    func replacements(of entries: [EntryID]) async throws -> [EntryID: UUID] {
        guard let directory, !entries.isEmpty else { return [:] }
        return try await store.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT replaced_by FROM exchange_record
                    WHERE synchronization IN (SELECT id FROM synchronization WHERE source = ?)
                    AND organization = ? AND uuid = ? AND replaced_by IS NOT NULL
                    """)
            var replacements: [EntryID: UUID] = [:]
            for entry in entries {
                let row = try Row.fetchOne(statement, arguments: [directory, entry.organization.uuid, entry.uuid])
                replacements[entry] = row?["replaced_by"]
            }
            return replacements
        }
    }

    func containers(after number: Int64) async throws -> (places: [Place], newest: Int64) {
        let hierarchy =
            "\(state.name.dropLast(state.stream.rawValue.count))\(ChangeStream.hierarchy.rawValue)"
        return try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT container.number, home_key, home FROM container
                    JOIN exchange_record USING (synchronization, organization, uuid)
                    WHERE container.number > ? AND synchronization = (SELECT id FROM synchronization WHERE name = ?)
                    ORDER BY container.number
                    """,
                arguments: [number, hierarchy])
            return (rows.compactMap { Place($0, "home") }, rows.last?["number"] ?? number)
        }
    }
}

extension ServiceStore {
    /// An entry that stands elsewhere than it would if no other stood there.
    public struct DisplacedEntry: Sendable {
        public var id: EntryID
        public var label: String?
        public var place: Place
        public var wanted: Place
    }

    public func displacedEntryCount() async throws -> Int {
        try await read { db in
            try Int.fetchOne(
                db,
                sql:
                    "SELECT COUNT(*) FROM exchange_record INDEXED BY exchange_record_wanted WHERE wanted_hash IS NOT NULL"
            ) ?? 0
        }
    }

    /// All of them, or so many; in the order of their IDs.
    public func displacedEntries(limit: Int) async throws -> [DisplacedEntry] {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT organization, uuid, label, place_key, place, wanted_key, wanted
                    FROM exchange_record INDEXED BY exchange_record_wanted
                    WHERE wanted_hash IS NOT NULL ORDER BY organization, uuid LIMIT ?
                    """,
                arguments: [limit])
            return rows.compactMap { row in
                guard let place = Place(row, "place"), let wanted = Place(row, "wanted") else { return nil }
                return DisplacedEntry(id: EntryID(row), label: row["label"], place: place, wanted: wanted)
            }
        }
    }
}
