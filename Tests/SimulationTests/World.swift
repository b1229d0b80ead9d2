import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// One master and three requestors, everything that can go wrong between them, and how it ends. The same seed gives
/// the same world.
final class World {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// What makes one kind of world differ from another.
    struct Kind {
        var steps = 30
        var deletionGuard = DeletionGuard(count: 1_000_000, percent: 100)
        var restoresBackups = true
    }

    let seed: UInt64
    let kind: Kind
    let dice: Dice
    let clock = SimulatedClock()
    var services: [SimulatedService] = []
    var network = SimulatedNetwork()
    var trace = Trace()
    var logs: [OrganizationID: LogHistory] = [:]
    /// How many entries have been named.
    var names = 0
    /// How many held deletions were released.
    var heldDeletions = 0
    /// How many changes have been sent by mail, and how many were imported or numbered.
    private(set) var carried = 0
    private(set) var moved = 0
    /// The one that a backup may be restored of.
    private var restored: OrganizationID?

    init(seed: UInt64, kind: Kind = Kind()) throws {
        self.seed = seed
        self.kind = kind
        self.dice = Dice(seed: seed)
        let payloadBytesMax = dice.pick([900, 1_500, 4_000, 20_000]) ?? 900
        let organizations = ["master", "a", "b", "c"].map {
            Organization(id: OrganizationID(derivedFromName: $0), name: $0)
        }
        let master = organizations[0]
        for organization in organizations {
            let ids = dice.split()
            let skew = Double(dice.number(in: -900...900))
            // A pause takes no time here.
            let pauses = Pauses(elapsed: { .zero }, wait: { _ in }, random: { 0 })
            let directory = SimulatedDirectory(of: organization.id, pauses: pauses, dice: dice.split())
            let surroundings = Surroundings(
                now: { [clock] in Date(timeIntervalSinceReferenceDate: clock.now + skew) }, newID: { ids.uuid() },
                pauses: pauses, deletionGuard: kind.deletionGuard, payloadBytesMax: payloadBytesMax)
            services.append(
                try SimulatedService(organization, directory: directory, surroundings: surroundings) { store in
                    if organization == master {
                        return .master(
                            Master(
                                organization: master, members: organizations.dropFirst().map { Member($0) },
                                store: store,
                                directory: directory, surroundings: surroundings))
                    }
                    return .requestor(
                        Requestor(
                            organization: organization, master: master, store: store, directory: directory,
                            surroundings: surroundings))
                })
        }
        restored = dice.pick(organizations)?.id
    }

    /// Lives through the faults, heals, and demands what must hold then.
    func run() async throws {
        for service in services {
            try await service.start()
            for _ in 0..<dice.number(in: 4...10) { changeAddressBook(of: service) }
        }
        for _ in 0..<kind.steps { try await step() }
        try await heal()
    }

    // MARK: - Faults

    private func step() async throws {
        clock.advance(seconds: Double(dice.number(in: 1...25)))
        guard let service = dice.pick(services) else { return }
        switch dice.number(in: 1...100) {
        case ...25:
            for _ in 0..<dice.number(in: 1...3) { changeAddressBook(of: service) }
        case ...55: try await cycle(service)
        case ...88:
            for _ in 0..<dice.number(in: 1...6) { try await deliverNext() }
        case ...94:
            let count = dice.number(in: 0...30)
            note("\(service.organization.name) will be killed after \(count) more commits")
            service.fuse.light(count)
        case ...96 where kind.restoresBackups && service.organization.id == restored:
            note("\(service.organization.name) is backed up")
            try service.takeBackup()
        case ...98 where kind.restoresBackups:
            for service in services where service.hasBackup {
                try await restoreBackup(of: service)
            }
        default: clock.advance(seconds: Double(dice.number(in: 60...7_200)))
        }
    }

    /// From here on its log is another one, whose numbers begin at those of the backup.
    func restoreBackup(of service: SimulatedService) async throws {
        note("\(service.organization.name) is restored from its backup")
        try await service.restoreBackup()
        logs[service.organization.id] = nil
    }

    /// Runs something that may end in a crash; after one the service starts anew.
    private func living(_ service: SimulatedService, _ what: String, _ body: () async throws -> Int) async throws
        -> Bool
    {
        var isAlive = true
        do {
            let moved = try await body()
            self.moved += moved
            note("\(service.organization.name) \(what): \(moved) moved")
        } catch is Crash {
            isAlive = false
            note("\(service.organization.name) \(what): killed")
            try await service.restart()
        }
        try await watchLog(of: service)
        return isAlive
    }

    func cycle(_ service: SimulatedService) async throws {
        _ = try await living(service, "cycle") {
            let moved = try await service.cycle()
            try await submit(service)
            return moved
        }
    }

    private func submit(_ service: SimulatedService) async throws {
        let sender = service.organization
        // Requestors write to the master, and the master to them.
        let recipients = service === services[0] ? Array(services.dropFirst()) : [services[0]]
        for recipient in recipients {
            try await service.submit(to: recipient.organization.id) { payload in
                let header = try? ReceivedMessage(payload).header
                carried += ChangeStream.allCases.reduce(0) { $0 + (header?.ranges[$1]?.count ?? 0) }
                let number = network.accept(payload, from: sender.id, to: recipient.organization.id)
                note(
                    "mail \(number) from \(sender.name) to \(recipient.organization.name): \(Self.summary(of: payload, header))"
                )
            }
        }
    }

    /// - Returns: whether a mail was under way.
    @discardableResult
    func deliverNext() async throws -> Bool {
        guard !network.underWay.isEmpty else { return false }
        guard let mail = network.next(dice), let recipient = service(mail.recipient) else { return true }
        let wasTaken = try await living(recipient, "takes mail \(mail.number)") {
            let moved = try await recipient.receive(mail.payload, from: "\(mail.sender)")
            try await submit(recipient)
            return moved
        }
        if !wasTaken { network.comeBack(mail) }
        return true
    }

    func service(_ organization: OrganizationID) -> SimulatedService? {
        services.first { $0.organization.id == organization }
    }

    func note(_ line: String) { trace.append("\(Int(clock.now) - 800_000_000) s: \(line)") }

    private static func summary(of payload: [UInt8], _ header: ExchangeHeader?) -> String {
        guard let header else { return "damaged" }
        let ranges = ChangeStream.allCases.compactMap { stream in
            header.ranges[stream].map { range in
                "\(stream) \(range.after)...\(range.through) (\(range.count))"
                    + (range.generation.map { " of \($0.text.prefix(4))" } ?? "") + (range.end == nil ? "" : ", end")
            }
        }
        let have = ChangeStream.allCases.map { stream in
            header.have[stream].map { "\($0.position.number)@\($0.position.incarnation.text.prefix(4))" } ?? "nothing"
        }
        return "\(header.kind) \(header.request.number) part \(header.part)\(header.isLast ? " (last)" : ""), has "
            + "\(have.joined(separator: "/")), sends \(ranges.joined(separator: "; ")), "
            + String(Trace.hash(payload), radix: 16)
    }
}
