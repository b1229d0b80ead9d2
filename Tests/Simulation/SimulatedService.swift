import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// A master or a requestor at work, over a database that outlives it.
public final class SimulatedService {
    enum Role {
        case master(Master)
        case requestor(Requestor)
    }

    let organization: Organization
    let directory: SimulatedDirectory
    let fuse = Fuse()
    let clock: SkewedClock
    let surroundings: Surroundings
    /// How long its schedule waits between two cycles, and when the next one is due on the world's clock.
    let everySeconds: Double
    var nextCycle = 0.0
    /// For how long its requests stand, in seconds; nil: they do not.
    private let standing: Int?
    private let makeRole: (ServiceStore) -> Role
    private var database: DatabaseQueue
    private var backup: DatabaseQueue?
    private(set) var store: ServiceStore
    private(set) var role: Role

    init(
        _ organization: Organization, directory: SimulatedDirectory, clock: SkewedClock, surroundings: Surroundings,
        everySeconds: Double, standing: Int?, makeRole: @escaping (ServiceStore) -> Role
    ) throws {
        self.organization = organization
        self.directory = directory
        self.clock = clock
        self.surroundings = surroundings
        self.everySeconds = everySeconds
        self.standing = standing
        self.makeRole = makeRole
        self.database = try DatabaseSupply.take()
        self.store = try ServiceStore(database: database, onCommit: fuse.burn)
        self.role = makeRole(store)
    }

    deinit { DatabaseSupply.giveBack(database) }

    func start() async throws {
        switch role {
        case .master(let master): try await master.start(audits: true)
        case .requestor(let requestor): try await requestor.start(audits: true)
        }
    }

    /// A new process over the same database.
    func restart() async throws {
        fuse.putOut()
        store = try ServiceStore(database: database, onCommit: fuse.burn)
        role = makeRole(store)
        try await start()
    }

    var hasBackup: Bool { backup != nil }

    func takeBackup() throws { backup = try database.copy() }

    /// The database is as it was when the backup was taken; the directory is not.
    func restoreBackup() async throws {
        guard let backup else { return }
        database = try backup.copy()
        try await restart()
    }

    // MARK: - What a service does

    /// Everything that the schedule asks for, as the service's cycle has it. An outage ends one part of it.
    ///
    /// - Returns: how many entries were imported or numbered.
    func cycle() async throws -> Int {
        var moved = 0
        switch role {
        case .master(let master):
            try await master.auditDirectory()
            moved += try await part { try await master.exportDirectory().whole() }
            moved += try await master.settleMembership().values.map(\.imported).reduce(0, +)
            moved += try await part { try await master.retryProblems() }
            moved += try await processMail()
            moved += try await part { try await master.importIntoDirectory() }
            try await master.purgeTombstones(silence: 500_000)
        case .requestor(let requestor):
            try await requestor.auditDirectory()
            let exported = try await part { try await requestor.exportDirectory().whole() }
            moved += exported
            moved += try await part { try await requestor.retryProblems() }
            let stands = try await requestor.stands(standing)
            if exported > 0 || !stands { _ = try await requestor.request(standing: standing) }
            _ = try await requestor.requestIfDue(standing: standing)
            moved += try await processMail()
            try await requestor.purgeTombstones()
        }
        return moved
    }

    /// A message comes: durable first, then dealt with.
    func receive(_ mail: SimulatedNetwork.Mail) async throws -> Int {
        let sender = mail.isDamaged ? Self.damagedSender : "\(mail.sender)"
        try await Inbox(store: store).append(mail.payload, from: sender, now: surroundings.now())
        let moved = try await processMail()
        guard case .master(let master) = role, moved > 0 else { return moved }
        return moved + (try await part { try await master.importIntoDirectory() })
    }

    private func processMail() async throws -> Int {
        var moved = 0
        do {
            let round = InboxRound(Inbox(store: store), now: surroundings.now)
            try await round.run { mail in
                guard let message = try Self.open(mail) else { return .refused(reason: Self.damagedSender) }
                let disposition: Disposition
                switch self.role {
                case .master(let master):
                    disposition = try await master.receive(message)
                case .requestor(let requestor):
                    disposition = try await requestor.receive(message, standing: self.standing)
                }
                if case .done(let report) = disposition { moved += report.imported }
                return disposition
            }
        } catch is Outage {
            // The mail stays in the inbox.
        }
        return moved
    }

    /// What a mail is said to be from that has been changed on its way.
    private static let damagedSender = "damaged"

    /// Nil if it is damaged, and has been found to be.
    private static func open(_ mail: WaitingMail) throws -> ReceivedMessage? {
        guard mail.sender == damagedSender else { return try ReceivedMessage(mail.mail) }
        guard (try? ReceivedMessage(mail.mail)) == nil else {
            throw World.Failure(description: "a damaged message is believed")
        }
        return nil
    }

    private func part(_ body: () async throws -> SynchronizationReport) async throws -> Int {
        do {
            return try await body().imported
        } catch is Outage {
            return 0
        }
    }

    /// Whether a request stands that there was something new for.
    func answersStanding() async throws -> Bool {
        guard case .master(let master) = role else { return false }
        return try await master.answer()
    }

    /// A row is lost from the database, and the entry from the directory that it was about; of the master, an entry of a
    /// member from its log, and what it knows to have received of it.
    ///
    /// - Returns: whether there was one.
    func loseEntry() async throws -> Bool {
        guard case .requestor = role else { return try await loseReceivedEntry() }
        let people = directory.look { tree in tree.nodes { $0.stamp != nil && $0.kind != .container } }
        guard let node = directory.dice.pick(people), let id = node.stamp else { return false }
        try await database.write { db in
            try db.execute(
                sql: """
                    DELETE FROM exchange_record WHERE organization = ? AND uuid = ? AND synchronization IN
                        (SELECT id FROM synchronization WHERE name LIKE 'import/%')
                    """,
                arguments: [id.organization.uuid, id.uuid])
        }
        try directory.change {
            try $0.delete(node.uuid)
            // It was not the service that deleted it.
            _ = $0.lookAtTakenBack()
        }
        try await restart()
        return true
    }

    private func loseReceivedEntry() async throws -> Bool {
        let changes = try await ChangeLog(store: store).changes(.contents, after: 0, through: .max, limit: .max)
        let ids = changes.compactMap(\.change.entry?.id).filter { $0.organization != organization.id }
        guard let id = directory.dice.pick(ids) else { return false }
        try await database.write { db in
            for condition in [
                "log_entry WHERE",
                "exchange_record WHERE synchronization IN "
                    + "(SELECT id FROM synchronization WHERE name LIKE 'receive/%') AND",
            ] {
                try db.execute(
                    sql: "DELETE FROM \(condition) organization = ? AND uuid = ?",
                    arguments: [id.organization.uuid, id.uuid])
            }
        }
        try await restart()
        return true
    }

    /// Up to where everything has been read and received.
    func cursors() throws -> [String] {
        try database.unsafeRead { db in
            let statement = try db.cachedStatement(sql: "SELECT name, cursor FROM synchronization ORDER BY name")
            return try Row.fetchAll(statement).map { row in
                let cursor: Data? = row["cursor"]
                return "\(row["name"] as String) \(cursor.map { String(decoding: $0, as: UTF8.self) } ?? "nothing")"
            }
        }
    }

    /// The organizations that there is mail for.
    func waiting() async throws -> Set<OrganizationID> { Set(try await Outbox(store: store).waiting().keys) }

    /// What waits for this organization in the outbox leaves it.
    func submit(to recipient: OrganizationID, _ send: ([UInt8]) -> Void) async throws {
        let outbox = Outbox(store: store)
        while let message = try await outbox.next(for: recipient) {
            send(message.payload)
            try await PeerMail(store: store).submitted(message, as: "<\(message.id)@simulated>", now: .distantPast)
        }
    }
}

extension ExportReport {
    /// What was done, if all parts of the directory could be read.
    fileprivate func whole() throws -> SynchronizationReport {
        if let error = failures.first { throw error }
        return done
    }
}
