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
    private let makeRole: (ServiceStore) -> Role
    private var database: DatabaseQueue
    private var backup: DatabaseQueue?
    private(set) var store: ServiceStore
    private(set) var role: Role

    init(
        _ organization: Organization, directory: SimulatedDirectory, clock: SkewedClock, surroundings: Surroundings,
        everySeconds: Double, makeRole: @escaping (ServiceStore) -> Role
    ) throws {
        self.organization = organization
        self.directory = directory
        self.clock = clock
        self.surroundings = surroundings
        self.everySeconds = everySeconds
        self.makeRole = makeRole
        self.database = try DatabaseSupply.take()
        self.store = try ServiceStore(database: database, onCommit: fuse.burn)
        self.role = makeRole(store)
    }

    deinit { DatabaseSupply.giveBack(database) }

    func start() async throws {
        switch role {
        case .master(let master): try await master.start()
        case .requestor(let requestor): try await requestor.start()
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
            moved += try await part { try await master.exportDirectory().whole() }
            moved += try await part { try await master.retryProblems() }
            moved += try await processMail()
            moved += try await part { try await master.importIntoDirectory() }
        case .requestor(let requestor):
            moved += try await part { try await requestor.exportDirectory().whole() }
            moved += try await part { try await requestor.retryProblems() }
            _ = try await requestor.request()
            moved += try await processMail()
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
                case .requestor(let requestor): disposition = try await requestor.receive(message)
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

    /// The organizations that there is mail for.
    func waiting() async throws -> Set<OrganizationID> { Set(try await Outbox(store: store).waiting().keys) }

    /// What waits for this organization in the outbox leaves it.
    func submit(to recipient: OrganizationID, _ send: ([UInt8]) -> Void) async throws {
        let outbox = Outbox(store: store)
        while let message = try await outbox.next(for: recipient, now: .distantFuture) {
            send(message.payload)
            try await outbox.remove(message.id)
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
