import GRDB
import SQLiteStore
import Synchronization

/// Databases in memory with an empty store in each. A world gives its own back when it ends: making the tables and
/// preparing the statements of a new one takes longer than emptying a used one.
enum DatabaseSupply {
    private static let unused = Mutex<[DatabaseQueue]>([])
    /// What an empty store has.
    private static let empty = Result {
        let database = try DatabaseQueue()
        _ = try ServiceStore(database: database)
        return (database, try database.read(contents))
    }

    private static let usualMax = 32

    static func take() throws -> DatabaseQueue {
        if let database = unused.withLock({ $0.popLast() }) { return database }
        return try empty.get().0.copy()
    }

    static func giveBack(_ database: DatabaseQueue) {
        guard let contents = try? empty.get().1, (try? database.write { try reset($0, to: contents) }) != nil else {
            return
        }
        unused.withLock { if $0.count < usualMax { $0.append(database) } }
    }

    /// The rows of each table.
    private static func contents(_ db: Database) throws -> [String: [[DatabaseValue]]] {
        // The one that counts AUTOINCREMENT is among them.
        let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        var contents: [String: [[DatabaseValue]]] = [:]
        for table in tables {
            contents[table] = try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { Array($0.databaseValues) }
        }
        return contents
    }

    private static func reset(_ db: Database, to contents: [String: [[DatabaseValue]]]) throws {
        for (table, rows) in contents {
            try db.cachedStatement(sql: "DELETE FROM \(table)").execute()
            for row in rows {
                let places = row.map { _ in "?" }.joined(separator: ", ")
                try db.cachedStatement(sql: "INSERT INTO \(table) VALUES (\(places))")
                    .execute(arguments: StatementArguments(row))
            }
        }
    }
}

extension DatabaseQueue {
    /// Another one with the same content.
    func copy() throws -> DatabaseQueue {
        let copy = try DatabaseQueue()
        try backup(to: copy)
        return copy
    }
}
