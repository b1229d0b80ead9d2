import GRDB

/// Every statement of the store is asked again and again, and preparing one takes longer than running it. So, within this
/// target, the functions that fetch take the place of GRDB's of the same names: they keep the prepared statement
/// with the connection. What varies in a statement is an argument, never part of its text.
extension Database {
    /// Executes one statement, which is kept prepared. GRDB's `execute` prepares anew, and takes several at once.
    func run(sql: String, arguments: StatementArguments = StatementArguments()) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// One transaction, undone if an error is thrown. The body must not go on after an error of a statement: SQLite may have
    /// ended the transaction.
    func inKeptTransaction<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try run(sql: "BEGIN IMMEDIATE")
        do {
            let result = try body(self)
            try run(sql: "COMMIT")
            return result
        } catch {
            // SQLite may have undone it itself. Why is what the caller needs to know.
            if isInsideTransaction { try? rollback() }
            throw error
        }
    }
}

extension Row {
    static func fetchCursor(
        _ db: Database, sql: String, arguments: StatementArguments = StatementArguments(),
        adapter: (any RowAdapter)? = nil
    ) throws -> RowCursor {
        try fetchCursor(db.cachedStatement(sql: sql), arguments: arguments, adapter: adapter)
    }

    static func fetchAll(
        _ db: Database, sql: String, arguments: StatementArguments = StatementArguments(),
        adapter: (any RowAdapter)? = nil
    ) throws -> [Row] {
        try fetchAll(db.cachedStatement(sql: sql), arguments: arguments, adapter: adapter)
    }

    static func fetchOne(
        _ db: Database, sql: String, arguments: StatementArguments = StatementArguments(),
        adapter: (any RowAdapter)? = nil
    ) throws -> Row? {
        try fetchOne(db.cachedStatement(sql: sql), arguments: arguments, adapter: adapter)
    }
}

extension DatabaseValueConvertible where Self: StatementColumnConvertible {
    static func fetchAll(
        _ db: Database, sql: String, arguments: StatementArguments = StatementArguments(),
        adapter: (any RowAdapter)? = nil
    ) throws -> [Self] {
        try fetchAll(db.cachedStatement(sql: sql), arguments: arguments, adapter: adapter)
    }

    static func fetchOne(
        _ db: Database, sql: String, arguments: StatementArguments = StatementArguments(),
        adapter: (any RowAdapter)? = nil
    ) throws -> Self? {
        try fetchOne(db.cachedStatement(sql: sql), arguments: arguments, adapter: adapter)
    }
}

extension String {
    static func fetchSet(
        _ db: Database, sql: String, arguments: StatementArguments = StatementArguments(),
        adapter: (any RowAdapter)? = nil
    ) throws -> Set<String> {
        try fetchSet(db.cachedStatement(sql: sql), arguments: arguments, adapter: adapter)
    }
}
