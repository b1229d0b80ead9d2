import AddressBook
import Foundation
import GRDB
import IncrementalSync

extension StoredSynchronizationState {
    /// Cursor, records, log, mail and problems of a step, in one transaction.
    public func commit(_ step: Step) async throws {
        try await store.write { db in
            if let cursor = step.cursor {
                try db.run(
                    sql: "UPDATE synchronization SET cursor = ? WHERE id = ?", arguments: [Data(cursor.bytes), id])
            }
            let before = try received(of: step, in: db)
            try markSeen(step, in: db)
            let inserted = try recordExchanged(step, in: db)
            try takeOver(step.exchanged, in: db)
            try recordDeleted(step, in: db)
            try recordEmptied(step, in: db)
            let digests =
                step.appended.isEmpty
                ? [] : step.exchanged.compactMap { record in record.digest.map { (record.id, $0) } }
            try ChangeLog.append(
                step.appended, digests: Dictionary(digests, uniquingKeysWith: { _, last in last }), stream: stream,
                in: db)
            try Outbox.append(step.posted, now: step.now, in: db)
            let solve = try db.cachedStatement(
                sql: "DELETE FROM problem WHERE synchronization = ? AND organization = ? AND uuid = ?")
            for entry in step.solved { try solve.execute(arguments: [id, entry.organization.uuid, entry.uuid]) }
            for problem in step.problems { try record(problem, in: db) }
            try recordReferences(step, inserted: inserted, in: db)
            try sumUp(before, step, in: db)
        }
    }

    /// Whether the sums of what has come are kept: of what another side can be asked about.
    private var sumsUp: Bool { ends.source == nil }

    /// What the state has received of the entries of a step, whatever the destination took of it.
    private func received(of step: Step, in db: Database) throws -> [EntryID: ReceivedContent] {
        guard sumsUp else { return [:] }
        let ids = Set(step.exchanged.map(\.id) + step.deleted + step.problems.map(\.id) + step.solved)
        guard !ids.isEmpty else { return [:] }
        let statement = try db.cachedStatement(sql: Asked.entries + OrganizationSums.received(from: "asked"))
        let rows = try Row.fetchCursor(statement, arguments: ["entries": Asked.list(of: ids), "synchronization": id])
        var received: [EntryID: ReceivedContent] = Dictionary(minimumCapacity: ids.count)
        while let row = try rows.next() { received[OrganizationSums.id(row)] = try ReceivedContent(row) }
        return received
    }

    private func sumUp(_ before: [EntryID: ReceivedContent], _ step: Step, in db: Database) throws {
        guard !before.isEmpty else { return }
        var after = before
        for record in step.exchanged { after[record.id]?.record = record.digest }
        for entry in step.deleted { after[entry]?.record = nil }
        for entry in step.solved { after[entry]?.problem = nil }
        for problem in step.problems { after[problem.id]?.problem = .some(problem.change.entry?.digest) }
        var sums = SummaryChanges()
        for (entry, content) in before { sums.replace(entry, content.digest, with: after[entry]?.digest) }
        try OrganizationSums(of: .synchronization(id)).add(sums, in: db)
    }

    private func markSeen(_ step: Step, in db: Database) throws {
        guard let refresh = step.refresh else { return }
        let statement = try db.cachedStatement(
            sql: """
                UPDATE exchange_record SET refresh = ?
                WHERE synchronization = ? AND organization = ? AND uuid = ?
                """)
        for entry in step.seen {
            try statement.execute(arguments: [refresh.uuid, id, entry.organization.uuid, entry.uuid])
        }
    }

    /// - Returns: the numbers of records that are new, but perhaps not of all.
    private func recordExchanged(_ step: Step, in db: Database) throws -> [EntryID: Int64] {
        if stream == .hierarchy { try moveContents(of: step.exchanged, in: db) }
        let upsert = try db.cachedStatement(
            sql: """
                INSERT INTO exchange_record
                    (synchronization, organization, uuid, digest, home_hash, home_key, home, place_hash, place_key,
                     place, wanted_hash, wanted_key, wanted, label, refresh, replaced_by, filled)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    digest = excluded.digest, home_hash = excluded.home_hash, home_key = excluded.home_key,
                    home = excluded.home, place_hash = excluded.place_hash, place_key = excluded.place_key,
                    place = excluded.place, wanted_hash = excluded.wanted_hash, wanted_key = excluded.wanted_key,
                    wanted = excluded.wanted, label = excluded.label, refresh = coalesce(excluded.refresh, refresh),
                    replaced_by = excluded.replaced_by, filled = excluded.filled
                """)
        var inserted: [EntryID: Int64] = Dictionary(minimumCapacity: step.exchanged.count)
        var newest = db.lastInsertedRowID
        for record in step.exchanged {
            try upsert.execute(arguments: [
                id, record.id.organization.uuid, record.id.uuid, record.digest.map { Data($0.bytes) },
                record.home?.hash, record.home?.key, record.home?.text, record.place?.hash, record.place?.key,
                record.place?.text, record.wanted?.hash, record.wanted?.key, record.wanted?.text, record.label,
                step.refresh?.uuid, record.replacedBy, record.filled?.bits,
            ])
            // An update leaves it as it is.
            guard db.lastInsertedRowID != newest else { continue }
            newest = db.lastInsertedRowID
            inserted[record.id] = newest
        }
        if stream == .hierarchy { try numberContainers(step.exchanged, in: db) }
        return inserted
    }

    /// A container that is new here gets the next number.
    private func numberContainers(_ containers: [ExchangeRecord], in db: Database) throws {
        let insert = try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO container (synchronization, organization, uuid) VALUES (?, ?, ?)")
        for container in containers {
            try insert.execute(arguments: [id, container.id.organization.uuid, container.id.uuid])
        }
    }

    /// What another synchronization from the same directory has recorded of an entry is about a part of it that the
    /// entry has left.
    private func takeOver(_ records: [ExchangeRecord], in db: Database) throws {
        guard let source = ends.source, records.contains(where: { $0.digest != nil }) else { return }
        // Not LIKE with an argument: SQLite prepares such a statement anew each time.
        let others = try Int64.fetchAll(
            db,
            sql: """
                SELECT id FROM synchronization
                WHERE source = :source AND destination IS :destination AND substr(name, -length(:suffix)) = :suffix
                AND id <> :own
                """,
            arguments: [
                "source": source, "destination": ends.destination, "suffix": "/\(stream.rawValue)", "own": id,
            ])
        for other in others {
            for table in ["exchange_record", "problem"] {
                let forget = try db.cachedStatement(
                    sql: "DELETE FROM \(table) WHERE synchronization = ? AND organization = ? AND uuid = ?")
                for record in records where record.digest != nil {
                    try forget.execute(arguments: [other, record.id.organization.uuid, record.id.uuid])
                }
            }
        }
    }

    private func recordDeleted(_ step: Step, in db: Database) throws {
        guard !step.deleted.isEmpty else { return }
        let tables = ["exchange_record"] + (stream == .hierarchy ? ["container"] : [])
        let statements = try tables.map { table in
            try db.cachedStatement(
                sql: "DELETE FROM \(table) WHERE synchronization = ? AND organization = ? AND uuid = ?")
        }
        let history = try db.cachedStatement(
            sql: "INSERT INTO deletion (synchronization, organization, at) VALUES (?, ?, ?)")
        let now = step.now.timeIntervalSinceReferenceDate
        for entry in step.deleted {
            for statement in statements {
                try statement.execute(arguments: [id, entry.organization.uuid, entry.uuid])
            }
            guard !step.uncounted.contains(entry) else { continue }
            try history.execute(arguments: [id, entry.organization.uuid, now])
        }
        try db.run(sql: "DELETE FROM deletion WHERE at < ?", arguments: [now - 86_400])
    }

    private func recordEmptied(_ step: Step, in db: Database) throws {
        guard !step.emptied.isEmpty else { return }
        let now = step.now.timeIntervalSinceReferenceDate
        let insert = try db.cachedStatement(
            sql: "INSERT INTO emptied_field (synchronization, organization, field, count, at) VALUES (?, ?, ?, ?, ?)")
        for (organization, counts) in step.emptied {
            for (field, count) in counts {
                try insert.execute(arguments: [id, organization.uuid, field.rawValue, count, now])
            }
        }
        try db.run(sql: "DELETE FROM emptied_field WHERE at < ?", arguments: [now - 86_400])
    }
}
