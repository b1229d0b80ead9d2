import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// A master or a requestor at work, over a database that outlives it.
final class SimulatedService {
    enum Role {
        case master(Master)
        case requestor(Requestor)
    }

    let organization: Organization
    let directory: SimulatedDirectory
    let fuse = Fuse()
    let surroundings: Surroundings
    private let makeRole: (ServiceStore) -> Role
    private var database: DatabaseQueue
    private var backup: DatabaseQueue?
    private(set) var store: ServiceStore
    private(set) var role: Role

    init(
        _ organization: Organization, directory: SimulatedDirectory, surroundings: Surroundings,
        makeRole: @escaping (ServiceStore) -> Role
    ) throws {
        self.organization = organization
        self.directory = directory
        self.surroundings = surroundings
        self.makeRole = makeRole
        self.database = try DatabaseQueue()
        self.store = try ServiceStore(database: database, onCommit: fuse.burn)
        self.role = makeRole(store)
    }

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

    func takeBackup() throws { backup = try Self.copy(database) }

    /// The database is as it was when the backup was taken; the directory is not.
    func restoreBackup() async throws {
        guard let backup else { return }
        database = try Self.copy(backup)
        try await restart()
    }

    private static func copy(_ database: DatabaseQueue) throws -> DatabaseQueue {
        let copy = try DatabaseQueue()
        try database.backup(to: copy)
        return copy
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
    func receive(_ payload: [UInt8], from sender: String) async throws -> Int {
        try await Inbox(store: store).append(payload, from: sender, now: surroundings.now())
        let moved = try await processMail()
        guard case .master(let master) = role, moved > 0 else { return moved }
        return moved + (try await part { try await master.importIntoDirectory() })
    }

    private func processMail() async throws -> Int {
        var moved = 0
        do {
            let round = InboxRound(Inbox(store: store), now: surroundings.now)
            try await round.run { mail in
                let message = try ReceivedMessage(mail.mail)
                let disposition: Disposition
                switch self.role {
                case .master(let master): disposition = try await master.receive(message)
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

    private func part(_ body: () async throws -> SynchronizationReport) async throws -> Int {
        do {
            return try await body().imported
        } catch is Outage {
            return 0
        }
    }

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
