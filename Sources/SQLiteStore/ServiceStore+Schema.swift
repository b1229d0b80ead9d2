import GRDB

extension ServiceStore {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try createLog(db)
            try createStates(db)
            try createMailbox(db)
        }
        migrator.registerMigration("2", migrate: separatePlaces)
        migrator.registerMigration("3", migrate: followDirectories)
        migrator.registerMigration("4", migrate: noteFilledFields)
        migrator.registerMigration("5", migrate: noteWantedPlaces)
        migrator.registerMigration("6", migrate: compareLogs)
        migrator.registerMigration("append rows", migrate: appendRows)
        migrator.registerMigration("inboxes", migrate: keepInboxes)
        migrator.registerMigration("mail of peers", migrate: noteMailOfPeers)
        migrator.registerMigration("asked anew", migrate: noteAskedAnew)
        migrator.registerMigration("short keys", migrate: shortenKeys)
        return migrator
    }

    /// The log: one row per entry, under the number of its newest change; a tombstone has no body.
    private static func createLog(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE log_entry (
                    organization BLOB NOT NULL, uuid BLOB NOT NULL, stream TEXT NOT NULL,
                    number INTEGER NOT NULL UNIQUE, digest BLOB, body BLOB,
                    PRIMARY KEY (organization, uuid)) WITHOUT ROWID;
                CREATE INDEX log_entry_stream ON log_entry (stream, number);
                CREATE TABLE log_number (highest INTEGER NOT NULL);
                INSERT INTO log_number VALUES (0);
                CREATE TABLE log_incarnation (
                    ordinal INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, first INTEGER NOT NULL);
                """)
    }

    private static func createStates(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE synchronization (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, cursor BLOB);
                CREATE TABLE exchange_record (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, uuid BLOB NOT NULL,
                    digest BLOB, place_key TEXT, place TEXT, label TEXT, refresh BLOB,
                    PRIMARY KEY (synchronization, organization, uuid)) WITHOUT ROWID;
                CREATE INDEX exchange_record_place ON exchange_record (place_key) WHERE place_key IS NOT NULL;
                CREATE TABLE reference (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, uuid BLOB NOT NULL,
                    place TEXT NOT NULL, found_organization BLOB, found_uuid BLOB, found_label TEXT,
                    PRIMARY KEY (synchronization, organization, uuid, place)) WITHOUT ROWID;
                CREATE TABLE problem (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, uuid BLOB NOT NULL,
                    kind TEXT NOT NULL, entry BLOB, reason TEXT NOT NULL, label TEXT,
                    first_seen REAL NOT NULL, last_seen REAL NOT NULL, attempts INTEGER NOT NULL, next_attempt REAL,
                    PRIMARY KEY (synchronization, organization, uuid)) WITHOUT ROWID;
                CREATE INDEX problem_next_attempt ON problem (synchronization, next_attempt);
                CREATE TABLE deletion (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, at REAL NOT NULL);
                CREATE INDEX deletion_at ON deletion (synchronization, organization, at);
                CREATE TABLE organization (id BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
                """)
    }

    /// An entry stands somewhere at both sides; a synchronization says which directories those are. Also: what went wrong.
    private static func separatePlaces(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS failure (since REAL NOT NULL, text TEXT NOT NULL);
                ALTER TABLE synchronization ADD COLUMN source TEXT;
                ALTER TABLE synchronization ADD COLUMN destination TEXT;
                UPDATE synchronization SET source = 'directory' WHERE name LIKE 'export/%';
                UPDATE synchronization SET destination = 'directory' WHERE name LIKE 'import/%';
                ALTER TABLE exchange_record ADD COLUMN home_key TEXT;
                ALTER TABLE exchange_record ADD COLUMN home TEXT;
                UPDATE exchange_record SET home_key = place_key, home = place, place_key = NULL, place = NULL
                WHERE synchronization IN (SELECT id FROM synchronization WHERE source IS NOT NULL);
                CREATE INDEX exchange_record_home ON exchange_record (home_key) WHERE home_key IS NOT NULL;
                """)
    }

    private static func createMailbox(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE peer (organization BLOB PRIMARY KEY, machine BLOB NOT NULL) WITHOUT ROWID;
                CREATE TABLE inbox (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at REAL NOT NULL, sender TEXT NOT NULL,
                    mail BLOB NOT NULL, parked TEXT);
                CREATE TABLE refused_mail (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, sender TEXT NOT NULL, reason TEXT NOT NULL);
                CREATE TABLE outbox (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, recipient BLOB NOT NULL, request INTEGER NOT NULL,
                    payload BLOB NOT NULL, created_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
                    next_attempt REAL NOT NULL, error TEXT);
                """)
    }

    /// What following a directory needs. Whatever changes at a place marks the references to it, so that a look at what
    /// is stale costs nothing where nothing is; and every container that appears gets a number.
    private static func followDirectories(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE exchange_record ADD COLUMN replaced_by BLOB;
                CREATE INDEX exchange_record_replaced ON exchange_record (replaced_by) WHERE replaced_by IS NOT NULL;
                ALTER TABLE reference ADD COLUMN stale INTEGER NOT NULL DEFAULT 1;
                CREATE INDEX reference_place ON reference (place);
                CREATE INDEX reference_stale ON reference (synchronization, organization, uuid) WHERE stale;
                \(markingTriggers(of: "home", in: "source", by: "key", "place"))
                \(markingTriggers(of: "place", in: "destination", by: "key", "place"))
                CREATE TABLE container (
                    number INTEGER PRIMARY KEY AUTOINCREMENT, synchronization INTEGER NOT NULL,
                    organization BLOB NOT NULL, uuid BLOB NOT NULL, UNIQUE (synchronization, organization, uuid));
                INSERT INTO container (synchronization, organization, uuid)
                SELECT synchronization, organization, uuid FROM exchange_record
                WHERE synchronization IN (SELECT id FROM synchronization WHERE name LIKE '%/hierarchy');
                """)
    }

    /// Which fields the destination has of an entry, and in how many entries each was emptied of late.
    private static func noteFilledFields(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE exchange_record ADD COLUMN filled INTEGER;
                CREATE TABLE emptied_field (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, field TEXT NOT NULL,
                    count INTEGER NOT NULL, at REAL NOT NULL);
                CREATE INDEX emptied_field_at ON emptied_field (synchronization, organization, at);
                """)
    }

    /// Where entries would stand if no other did, the rules that entries were written by, and what servers answered.
    private static func noteWantedPlaces(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE exchange_record ADD COLUMN wanted_key TEXT;
                ALTER TABLE exchange_record ADD COLUMN wanted TEXT;
                ALTER TABLE synchronization ADD COLUMN rules TEXT;
                ALTER TABLE problem ADD COLUMN answer BLOB;
                CREATE INDEX exchange_record_wanted ON exchange_record (wanted_key) WHERE wanted_key IS NOT NULL;
                """)
    }

    /// What two sides compare to find silent divergence, and tombstones that go. What a peer's machine knew is learned anew.
    private static func compareLogs(_ db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM peer;
                ALTER TABLE log_number ADD COLUMN purged_through INTEGER NOT NULL DEFAULT 0;
                CREATE INDEX log_tombstone ON log_entry (number) WHERE body IS NULL;
                CREATE TABLE organization_sum (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, count INTEGER NOT NULL,
                    hash BLOB NOT NULL, PRIMARY KEY (synchronization, organization)) WITHOUT ROWID;
                """)
        try OrganizationSums.rebuildAll(in: db)
    }

    /// Rows stand in the order of their coming, those of the log in the order of their numbers, and an index finds them. In
    /// tables ordered by random UUIDs every step writes all over the file.
    private static func appendRows(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE appended_log_entry (
                    number INTEGER PRIMARY KEY, organization BLOB NOT NULL, uuid BLOB NOT NULL, stream TEXT NOT NULL,
                    digest BLOB, body BLOB, UNIQUE (organization, uuid));
                INSERT INTO appended_log_entry (number, organization, uuid, stream, digest, body)
                SELECT number, organization, uuid, stream, digest, body FROM log_entry ORDER BY number;
                DROP TABLE log_entry;
                ALTER TABLE appended_log_entry RENAME TO log_entry;
                CREATE INDEX log_entry_stream ON log_entry (stream, number);
                CREATE INDEX log_tombstone ON log_entry (number) WHERE body IS NULL;
                CREATE TABLE appended_record (
                    synchronization INTEGER NOT NULL, organization BLOB NOT NULL, uuid BLOB NOT NULL, digest BLOB,
                    place_key TEXT, place TEXT, label TEXT, refresh BLOB, home_key TEXT, home TEXT, replaced_by BLOB,
                    filled INTEGER, wanted_key TEXT, wanted TEXT, UNIQUE (synchronization, organization, uuid));
                INSERT INTO appended_record (
                    synchronization, organization, uuid, digest, place_key, place, label, refresh, home_key, home,
                    replaced_by, filled, wanted_key, wanted)
                SELECT synchronization, organization, uuid, digest, place_key, place, label, refresh, home_key, home,
                    replaced_by, filled, wanted_key, wanted
                FROM exchange_record;
                DROP TABLE exchange_record;
                ALTER TABLE appended_record RENAME TO exchange_record;
                CREATE INDEX exchange_record_place ON exchange_record (place_key) WHERE place_key IS NOT NULL;
                CREATE INDEX exchange_record_home ON exchange_record (home_key) WHERE home_key IS NOT NULL;
                CREATE INDEX exchange_record_replaced ON exchange_record (replaced_by) WHERE replaced_by IS NOT NULL;
                CREATE INDEX exchange_record_wanted ON exchange_record (wanted_key) WHERE wanted_key IS NOT NULL;
                \(markingTriggers(of: "home", in: "source", by: "key", "place"))
                \(markingTriggers(of: "place", in: "destination", by: "key", "place"))
                """)
    }

    /// What each waiting mail takes of whose share, where it came from, and what became of those that stay there; what was
    /// refused how often; and what keeps mail from coming.
    private static func keepInboxes(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE inbox ADD COLUMN share TEXT;
                ALTER TABLE inbox ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
                UPDATE inbox SET bytes = length(mail);
                CREATE INDEX inbox_share ON inbox (share, bytes);
                CREATE INDEX inbox_parked ON inbox (id, share, bytes) WHERE parked IS NOT NULL;
                CREATE TABLE taken_mail (
                    source TEXT NOT NULL, key TEXT NOT NULL, inbox INTEGER, state TEXT NOT NULL,
                    PRIMARY KEY (source, key)) WITHOUT ROWID;
                CREATE INDEX taken_mail_inbox ON taken_mail (inbox) WHERE inbox IS NOT NULL;
                ALTER TABLE refused_mail ADD COLUMN kind TEXT NOT NULL DEFAULT 'refused';
                ALTER TABLE refused_mail ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
                CREATE TABLE source_failure (source TEXT PRIMARY KEY, since REAL NOT NULL, text TEXT NOT NULL);
                """)
    }

    /// How the mail to each peer goes, and which mails were sent: what comes back about one names it. A pause is one of the
    /// peer and not of a message, which a newer one takes the place of.
    private static func noteMailOfPeers(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE peer_mail (
                    organization BLOB PRIMARY KEY, last_submitted REAL, heard_message_id TEXT,
                    failing_since REAL, failures INTEGER NOT NULL DEFAULT 0, next_attempt REAL, error TEXT,
                    is_permanent INTEGER NOT NULL DEFAULT 0, too_large_bytes INTEGER,
                    notice BLOB, notice_about INTEGER, is_late INTEGER NOT NULL DEFAULT 0, notice_since REAL,
                    notice_last REAL, notice_count INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
                CREATE TABLE sent_mail (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, organization BLOB NOT NULL, message_id TEXT NOT NULL,
                    request INTEGER NOT NULL);
                CREATE INDEX sent_mail_message_id ON sent_mail (message_id);
                CREATE INDEX sent_mail_organization ON sent_mail (organization, id);
                ALTER TABLE outbox DROP COLUMN attempts;
                ALTER TABLE outbox DROP COLUMN next_attempt;
                ALTER TABLE outbox DROP COLUMN error;
                """)
    }

    /// The peers that a person wants to be asked for everything anew; and lives of the log that its line does not have any
    /// more, because a person wanted everything to be sent anew.
    private static func noteAskedAnew(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE asked_anew (organization BLOB PRIMARY KEY) WITHOUT ROWID;
                ALTER TABLE log_incarnation ADD COLUMN retired INTEGER NOT NULL DEFAULT FALSE;
                """)
    }

    /// Places are found by their hashes, and the references of a record by its number: indexes of a tenth of the size. Normalized
    /// DNs are in ASCII from now on: the keys of places, the names of what is exported, and the import base among the rules.
    private static func shortenKeys(_ db: Database) throws {
        let inASCII = DatabaseFunction("in_ascii", argumentCount: 1, pure: true) { arguments in
            String.fromDatabaseValue(arguments[0]).map(Self.inASCII)
        }
        let placeHash = DatabaseFunction("place_hash", argumentCount: 1, pure: true) { arguments in
            String.fromDatabaseValue(arguments[0]).map(PlaceHash.of)
        }
        for function in [inASCII, placeHash] { db.add(function: function) }
        defer { for function in [inASCII, placeHash] { db.remove(function: function) } }
        func columns(_ side: String) -> String { "place_hash(in_ascii(\(side)_key)), in_ascii(\(side)_key), \(side)" }
        try db.execute(
            sql: """
                CREATE TABLE numbered_record (
                    number INTEGER PRIMARY KEY, synchronization INTEGER NOT NULL, organization BLOB NOT NULL,
                    uuid BLOB NOT NULL, digest BLOB, home_hash INTEGER, home_key TEXT, home TEXT, place_hash INTEGER,
                    place_key TEXT, place TEXT, wanted_hash INTEGER, wanted_key TEXT, wanted TEXT, label TEXT,
                    refresh BLOB, replaced_by BLOB, filled INTEGER, UNIQUE (synchronization, organization, uuid));
                INSERT INTO numbered_record (
                    synchronization, organization, uuid, digest, home_hash, home_key, home, place_hash, place_key, place,
                    wanted_hash, wanted_key, wanted, label, refresh, replaced_by, filled)
                SELECT synchronization, organization, uuid, digest, \(columns("home")), \(columns("place")),
                    \(columns("wanted")), label, refresh, replaced_by, filled
                FROM exchange_record ORDER BY rowid;
                CREATE TABLE numbered_reference (
                    synchronization INTEGER NOT NULL, record INTEGER NOT NULL, place_hash INTEGER NOT NULL,
                    place TEXT NOT NULL, found_organization BLOB, found_uuid BLOB, found_label TEXT,
                    stale INTEGER NOT NULL);
                INSERT INTO numbered_reference (
                    synchronization, record, place_hash, place, found_organization, found_uuid, found_label, stale)
                SELECT synchronization, number, place_hash(in_ascii(reference.place)), in_ascii(reference.place),
                    found_organization, found_uuid, found_label, stale
                FROM numbered_record JOIN reference USING (synchronization, organization, uuid) ORDER BY number;
                DROP TABLE exchange_record;
                DROP TABLE reference;
                ALTER TABLE numbered_record RENAME TO exchange_record;
                ALTER TABLE numbered_reference RENAME TO reference;
                CREATE INDEX exchange_record_home ON exchange_record (home_hash) WHERE home_hash IS NOT NULL;
                CREATE INDEX exchange_record_place ON exchange_record (place_hash) WHERE place_hash IS NOT NULL;
                CREATE INDEX exchange_record_replaced ON exchange_record (replaced_by) WHERE replaced_by IS NOT NULL;
                CREATE INDEX exchange_record_wanted ON exchange_record (wanted_hash) WHERE wanted_hash IS NOT NULL;
                CREATE INDEX reference_record ON reference (record);
                CREATE INDEX reference_place ON reference (place_hash);
                CREATE INDEX reference_stale ON reference (synchronization, record) WHERE stale;
                CREATE TRIGGER record_deleted AFTER DELETE ON exchange_record
                BEGIN
                    DELETE FROM reference WHERE record = OLD.number;
                END;
                \(markingTriggers(of: "home", in: "source", by: "hash", "place_hash"))
                \(markingTriggers(of: "place", in: "destination", by: "hash", "place_hash"))
                UPDATE synchronization SET name = in_ascii(name) WHERE name LIKE 'export/%';
                UPDATE synchronization SET rules =
                    in_ascii(substr(rules, 1, instr(rules, char(10)))) || substr(rules, instr(rules, char(10)) + 1)
                WHERE instr(rules, char(10)) > 0;
                """)
    }

    /// As normalized DNs are written now.
    private static func inASCII(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
        return text.utf8.reduce(into: "") { key, byte in
            key += byte < 0x80 ? String(UnicodeScalar(byte)) : "\\" + String(byte, radix: 16)
        }
    }

    /// An entry stands somewhere at one of its synchronization's ends; the references to that place are those of
    /// synchronizations that read the same directory. They are looked for by their place: hence the plus, which keeps SQLite
    /// from going through all references of a synchronization.
    ///
    /// - Parameters:
    ///   - kind: of the records' column that says where they stand: `key` or `hash`.
    ///   - reference: the column of the references that says the same.
    private static func markingTriggers(
        of side: String, in end: String, by kind: String, _ reference: String
    ) -> String {
        func mark(_ row: String) -> String {
            """
            UPDATE reference SET stale = 1 WHERE \(reference) = \(row).\(side)_\(kind) AND +synchronization IN (
                SELECT reader.id FROM synchronization AS reader
                JOIN synchronization AS own ON own.\(end) = reader.source WHERE own.id = \(row).synchronization);
            """
        }
        return """
            CREATE TRIGGER \(side)_inserted AFTER INSERT ON exchange_record WHEN NEW.\(side)_\(kind) IS NOT NULL
            BEGIN
                \(mark("NEW"))
            END;
            CREATE TRIGGER \(side)_updated AFTER UPDATE OF \(side)_\(kind), label ON exchange_record
            WHEN NEW.\(side)_\(kind) IS NOT OLD.\(side)_\(kind) OR NEW.label IS NOT OLD.label
            BEGIN
                \(mark("OLD"))
                \(mark("NEW"))
            END;
            CREATE TRIGGER \(side)_deleted AFTER DELETE ON exchange_record WHEN OLD.\(side)_\(kind) IS NOT NULL
            BEGIN
                \(mark("OLD"))
            END;
            """
    }
}
