import AddressBook
import Foundation
import GRDB
import IncrementalSync
import SynchronizationTestSupport
import Testing

@testable import SQLiteStore

@Suite("A store whose places were found by their keys")
struct ShortKeysTests {
    private let boss = Sample.person(1)
    private let clerk = Sample.person(2)

    /// The clerk names the boss, who is in `ou=Büro`; so is the base of the export.
    private func before() async throws -> DatabaseQueue {
        let database = try DatabaseQueue()
        try ServiceStore.migrator.migrate(database, upTo: "asked anew")
        try await database.write { [boss, clerk] db in
            try db.execute(
                sql: """
                    INSERT INTO synchronization (id, name, source, destination, rules) VALUES
                        (1, 'export/ou=büro/contents', 'directory', NULL, NULL),
                        (2, 'import/contents', NULL, 'directory', 'ou=büro' || char(10) || 'ou=Büro'),
                        (3, 'receive/x/contents', NULL, NULL, 'no base but ä');
                    INSERT INTO exchange_record (
                        synchronization, organization, uuid, digest, place_key, place, label, refresh, replaced_by)
                    VALUES (2, :organization, :boss, :digest, 'cn=å', 'CN=Å', 'Å', :clerk, :clerk);
                    INSERT INTO exchange_record (
                        synchronization, organization, uuid, digest, home_key, home, wanted_key, wanted, label, filled)
                    VALUES (1, :organization, :boss, :digest, 'cn=ä,ou=büro', 'CN=Ä,OU=Büro', 'cn=ö', 'CN=Ö', 'Ä', 5),
                        (1, :organization, :clerk, NULL, NULL, NULL, NULL, NULL, 'Clerk', NULL);
                    INSERT INTO reference (
                        synchronization, organization, uuid, place, found_organization, found_uuid, found_label, stale)
                    VALUES (1, :organization, :clerk, 'cn=ä,ou=büro', :organization, :boss, 'Ä', 0),
                        (1, :organization, :boss, 'cn=é', NULL, NULL, NULL, 1)
                    """,
                arguments: [
                    "organization": boss.id.organization.uuid, "boss": boss.id.uuid, "clerk": clerk.id.uuid,
                    "digest": Data(boss.digest.bytes),
                ])
        }
        return database
    }

    @Test("finds them by what the keys are now, and knows what it knew")
    func finds() async throws {
        let store = try ServiceStore(database: try await before())
        let state = try await store.state("export/ou=b\\c3\\bcro")
        let key = "cn=\\c3\\a4,ou=b\\c3\\bcro"
        #expect(try await state.sourceIndex.entries(at: [key]) == [key: KnownEntry(id: boss.id, label: "Ä")])
        #expect(
            try await state.records([boss.id, clerk.id]) == [
                boss.id: ExchangeRecord(
                    id: boss.id, digest: boss.digest, home: Place(key: key, text: "CN=Ä,OU=Büro"),
                    wanted: Place(key: "cn=\\c3\\b6", text: "CN=Ö"), label: "Ä", filled: FilledFields(bits: 5)),
                clerk.id: ExchangeRecord(id: clerk.id, digest: nil, label: "Clerk"),
            ])
        #expect(try await store.displacedEntryCount() == 1)
    }

    @Test("keeps what it has of other synchronizations, and the rules that entries were written by")
    func keeps() async throws {
        let database = try await before()
        let store = try ServiceStore(database: database)
        let state = try await StoredSynchronizationState.open("import", .contents, in: store)
        let record = ExchangeRecord(
            id: boss.id, digest: boss.digest, place: Place(key: "cn=\\c3\\a5", text: "CN=Å"), label: "Å",
            replacedBy: clerk.id.uuid)
        #expect(try await state.records([boss.id]) == [boss.id: record])
        #expect(try await state.destinationIndex.places(of: [boss.id]).values.map(\.text) == ["CN=Ä,OU=Büro"])
        #expect(try await state.summary(seenIn: RefreshID(clerk.id.uuid)) == state.summary())
        let rules = try await database.read { db in
            try String.fetchAll(db.makeStatement(sql: "SELECT rules FROM synchronization WHERE id > 1 ORDER BY id"))
        }
        #expect(rules == ["ou=b\\c3\\bcro\nou=Büro", "no base but ä"])
    }

    @Test("knows which references are stale, and which become so")
    func marks() async throws {
        let store = try ServiceStore(database: try await before())
        let state = try await store.state("export/ou=b\\c3\\bcro")
        #expect(try await state.sourceIndex.staleReferrers(after: nil, limit: 10) == [boss.id])
        var renamed = try #require(try await state.records([boss.id])[boss.id])
        renamed.label = "Å"
        var step = Step(now: Sample.now)
        step.exchanged = [renamed]
        step.references = [boss.id: []]
        try await state.commit(step)
        #expect(try await state.sourceIndex.staleReferrers(after: nil, limit: 10) == [clerk.id])
    }
}
