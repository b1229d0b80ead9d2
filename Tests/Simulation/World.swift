import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// One master and some requestors, everything that can go wrong between them, and how it ends. The same seed gives the
/// same world.
public final class World {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// What makes one kind of world differ from another.
    public struct Kind: Hashable, Sendable {
        /// Nil: 2 to 8, as the seed has it.
        public var requestors: Int?
        /// How many entries the address books have together when the world begins; nil: a few each.
        public var entries: Int?
        public var steps = 30
        public var deletionGuard = DeletionGuard(count: 1_000_000, percent: 100)
        public var restoresBackups = true
        /// Whether members leave and come again, and what they receive and offer changes.
        public var changesMembership = true
        /// Whether all mail is recorded, for ``World/replayEverything()``.
        public var recordsMail = false

        public init() {}
    }

    public let seed: UInt64
    public let kind: Kind
    let dice: Dice
    let clock = SimulatedClock()
    /// The master is the first.
    public internal(set) var services: [SimulatedService] = []
    var network = SimulatedNetwork()
    /// What the master's configuration says of the others.
    let membership = Membership()
    public internal(set) var trace = Trace()
    var ownTally = Tally()
    var logs: [OrganizationID: LogHistory] = [:]
    var backedUpLogs: [OrganizationID: LogHistory] = [:]
    /// Which of its states the master has of an entry, by their numbers in the owner's directory.
    var newestStates: [EntryID: Int] = [:]
    /// The organizations whose services were ever restored from a backup.
    var wereRestored: Set<OrganizationID> = []
    /// The master's database has lost an entry: until it has come again, the others take it back.
    var masterWasDamaged = false
    /// How many entries have been named.
    var names = 0
    /// How many different names there are in an address book.
    let nameCount: Int
    /// About as much as the line of an entry takes in a message.
    private static let entryBytes = 250
    /// How many held deletions were released.
    public internal(set) var heldDeletions = 0
    /// How many changes have been sent by mail, and how many were imported or numbered.
    private(set) var carried = 0
    private(set) var moved = 0

    public init(seed: UInt64, kind: Kind = Kind()) throws {
        self.seed = seed
        self.kind = kind
        self.dice = Dice(seed: seed)
        network.records = kind.recordsMail
        let requestors = kind.requestors ?? dice.number(in: 2...8)
        self.nameCount = max(12, (kind.entries ?? 0) / (requestors + 1))
        // Everything in one message, or in some.
        let parts = dice.pick([1, 4, 10, 20]) ?? 1
        let payloadBytesMax = max(900, (kind.entries ?? 80) * Self.entryBytes / parts)
        let organizations = (0...requestors).map { number in
            let name = number == 0 ? "master" : "branch-\(number)"
            return Organization(id: OrganizationID(derivedFromName: name), name: name)
        }
        for organization in organizations.dropFirst() { membership.set(Member(organization)) }
        for organization in organizations {
            services.append(try service(of: organization, among: organizations, payloadBytesMax: payloadBytesMax))
        }
    }

    private func service(
        of organization: Organization, among organizations: [Organization], payloadBytesMax: Int
    ) throws -> SimulatedService {
        let ids = dice.split()
        let serviceClock = SkewedClock(clock, skewSeconds: Double(dice.number(in: -900...900)))
        // A pause takes no time here.
        let pauses = Pauses(elapsed: { .zero }, wait: { _ in }, random: { 0 })
        let directory = SimulatedDirectory(
            of: organization.id, pauses: pauses, dice: dice.split(), batchSize: max(4, nameCount / 4))
        let surroundings = Surroundings(
            now: { serviceClock.now }, newID: { ids.uuid() }, pauses: pauses, deletionGuard: kind.deletionGuard,
            payloadBytesMax: payloadBytesMax)
        let master = organizations[0]
        return try SimulatedService(
            organization, directory: directory, clock: serviceClock, surroundings: surroundings,
            everySeconds: Double(dice.pick([30, 120, 600, 3_600]) ?? 600),
            standing: dice.pick([nil, nil, 300, 7_200, 86_400]) ?? nil
        ) { [membership] store in
            if organization == master {
                return .master(
                    Master(
                        organization: master, members: membership.members, store: store,
                        directory: directory, surroundings: surroundings))
            }
            return .requestor(
                Requestor(
                    organization: organization, master: master, store: store, directory: directory,
                    surroundings: surroundings))
        }
    }

    /// How often each fault has happened.
    public var tally: Tally { services.reduce(network.tally + ownTally) { $0 + $1.directory.tally } }

    /// Lives through the faults, heals, and demands what must hold then.
    public func run() async throws {
        for (index, service) in services.enumerated() {
            try await service.start()
            if let entries = kind.entries {
                populate(service, entries / services.count + (index < entries % services.count ? 1 : 0))
            } else {
                for _ in 0..<dice.number(in: 4...10) { changeAddressBook(of: service) }
            }
        }
        for _ in 0..<kind.steps { try await step() }
        try await heal()
    }

    // MARK: - What services do

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
            ownTally.note(.killed)
            note("\(service.organization.name) \(what): killed")
            try await service.restart()
        }
        try await watchLog(of: service)
        try watchDeletions(by: service)
        return isAlive
    }

    func cycle(_ service: SimulatedService) async throws {
        service.nextCycle = clock.now + service.everySeconds
        _ = try await living(service, "cycle") {
            let moved = try await service.cycle()
            try await submit(service)
            return moved
        }
    }

    private func submit(_ service: SimulatedService) async throws {
        // Requestors write to the master, and the master to them.
        let recipients = service === services[0] ? Array(services.dropFirst()) : [services[0]]
        repeat {
            try await send(from: service, to: recipients)
            // What was posted is on its way: what has come since may follow it.
        } while try await service.answersStanding()
    }

    private func send(from service: SimulatedService, to recipients: [SimulatedService]) async throws {
        let sender = service.organization
        let waiting = try await service.waiting()
        for recipient in recipients where waiting.contains(recipient.organization.id) {
            try await service.submit(to: recipient.organization.id) { payload in
                carried += Self.changeCount(in: payload)
                let number = network.accept(
                    payload, from: sender.id, to: recipient.organization.id, now: clock.now, dice)
                note(
                    "mail \(number) from \(sender.name) to \(recipient.organization.name), "
                        + String(Trace.hash(payload), radix: 16),
                    detail: { Self.summary(of: payload) })
            }
        }
    }

    /// All lines but header and trailer.
    private static func changeCount(in payload: [UInt8]) -> Int {
        payload.count { $0 == UInt8(ascii: "\n") } - 2
    }

    /// - Returns: whether a mail was ready to be delivered.
    @discardableResult
    func deliverNext() async throws -> Bool {
        guard network.hasReady(now: clock.now) else { return false }
        guard let mail = network.next(now: clock.now, dice), let recipient = service(mail.recipient) else {
            return true
        }
        if !network.isPerfect, dice.chance(percent: 4) {
            network.noteFullMailbox()
            note("\(recipient.organization.name) has no room for mail \(mail.number)")
            network.comeBack(mail, due: clock.now + Double(dice.number(in: 60...7_200)))
            return true
        }
        let what = "takes mail \(mail.number)\(mail.isDamaged ? ", damaged" : "")"
        let wasTaken = try await living(recipient, what) {
            let moved = try await recipient.receive(mail)
            try await submit(recipient)
            return moved
        }
        if !wasTaken { network.comeBack(mail, due: clock.now) }
        return true
    }

    func service(_ organization: OrganizationID) -> SimulatedService? {
        services.first { $0.organization.id == organization }
    }

    func note(_ line: String, detail: (() -> String)? = nil) {
        trace.append("\(Int(clock.now) - 800_000_000) s: \(line)", detail: detail)
    }

    private static func summary(of payload: [UInt8]) -> String {
        guard let header = try? ReceivedMessage(payload).header else { return "damaged" }
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
            + "\(have.joined(separator: "/")), sends \(ranges.joined(separator: "; "))"
    }
}
