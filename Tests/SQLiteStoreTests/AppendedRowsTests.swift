import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import SynchronizationTestSupport
import Testing

@testable import SQLiteStore

@Suite("A store whose rows stood in the order of their IDs")
struct AppendedRowsTests {
    private let person = Sample.person(1)
    private let gone = Sample.person(2).id

    private func before() async throws -> DatabaseQueue {
        let database = try DatabaseQueue()
        try ServiceStore.migrator.migrate(database, upTo: "5")
        try await database.write { [person, gone] db in
            try db.execute(
                sql: """
                    INSERT INTO log_entry (organization, uuid, stream, number, digest, body)
                    VALUES (?, ?, 'contents', 9, ?, ?)
                    """,
                arguments: [
                    person.id.organization.uuid, person.id.uuid, Data(person.digest.bytes), Data(person.json),
                ])
            try db.execute(
                sql: "INSERT INTO log_entry (organization, uuid, stream, number) VALUES (?, ?, 'contents', 4)",
                arguments: [gone.organization.uuid, gone.uuid])
            try db.execute(sql: "UPDATE log_number SET highest = 9")
            try db.execute(sql: "INSERT INTO synchronization (id, name) VALUES (1, 'import/contents')")
            try db.execute(
                sql: """
                    INSERT INTO exchange_record (
                        synchronization, organization, uuid, digest, place_key, place, label, home_key, home, wanted_key,
                        wanted, filled)
                    VALUES (1, ?, ?, ?, 'place key', 'place', 'label', 'home key', 'home', 'wanted key', 'wanted', 5)
                    """,
                arguments: [person.id.organization.uuid, person.id.uuid, Data(person.digest.bytes)])
        }
        return database
    }

    @Test("keeps its log and its records")
    func keeps() async throws {
        let store = try ServiceStore(database: try await before())
        let changes = try await ChangeLog(store: store)
            .changes(.contents, after: 0, through: .max, limit: .max)
        #expect(
            changes == [
                NumberedChange(number: 4, change: .delete(gone)), NumberedChange(number: 9, change: .upsert(person)),
            ])
        let state = try await StoredSynchronizationState.open("import", .contents, in: store)
        #expect(
            try await state.records([person.id]) == [
                person.id: ExchangeRecord(
                    id: person.id, digest: person.digest, home: Place(key: "home key", text: "home"),
                    place: Place(key: "place key", text: "place"), wanted: Place(key: "wanted key", text: "wanted"),
                    label: "label", filled: FilledFields(bits: 5))
            ])
    }

    @Test("has the indexes and triggers that it had")
    func marks() async throws {
        let database = try await before()
        func names() async throws -> [String] {
            try await database.read { db in
                try String.fetchAll(
                    db.makeStatement(
                        sql: """
                            SELECT name FROM sqlite_master
                            WHERE type IN ('index', 'trigger') AND name NOT LIKE 'sqlite_autoindex%' ORDER BY name
                            """))
            }
        }
        let had = try await names()
        _ = try ServiceStore(database: database)
        #expect(!had.isEmpty)
        #expect(Set(had).isSubset(of: try await names()))
    }
}
