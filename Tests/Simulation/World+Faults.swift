import Foundation
import InterOrgProtocol
import InterOrgServices

/// What happens in a world until it heals.
extension World {
    private enum Event {
        case change, cycle, mail, fuse, backup, restoration, clockJump, damage, membership, wait
    }

    /// How many times each happens in a hundred steps.
    private static let frequencies: [(Event, Int)] = [
        (.change, 25), (.cycle, 27), (.mail, 30), (.fuse, 6), (.backup, 3), (.restoration, 1), (.clockJump, 2),
        (.damage, 2), (.membership, 2), (.wait, 2),
    ]
    private static let events = frequencies.flatMap { event, count in Array(repeating: event, count: count) }

    func step() async throws {
        clock.advance(seconds: Double(dice.number(in: 1...25)))
        guard let event = dice.pick(Self.events), let service = dice.pick(services) else { return }
        switch event {
        case .change:
            for _ in 0..<dice.number(in: 1...3) { changeAddressBook(of: service) }
        case .cycle: try await scheduledCycle()
        case .mail:
            for _ in 0..<dice.number(in: 1...6) { try await deliverNext() }
        case .fuse:
            let count = dice.number(in: 0...30)
            note("\(service.organization.name) will be killed after \(count) more commits")
            service.fuse.light(count)
        case .backup where kind.restoresBackups: try takeBackup(of: service)
        case .restoration where kind.restoresBackups:
            guard let restored = dice.pick(services.filter(\.hasBackup)) else { return }
            try await restoreBackup(of: restored)
        case .clockJump: jumpClock(of: service)
        case .damage:
            guard let loser = dice.pick(Array(services.dropFirst())) else { return }
            _ = try await loseEntry(of: loser)
        case .membership where kind.changesMembership: try await changeMembership()
        default: clock.advance(seconds: Double(dice.number(in: 60...dice.number(in: 3_600...200_000))))
        }
    }

    /// Somebody's time has come; if nobody's, it is waited for.
    private func scheduledCycle() async throws {
        let next = services.map(\.nextCycle).min() ?? clock.now
        clock.advance(seconds: max(0, next - clock.now))
        guard let service = dice.pick(services.filter { $0.nextCycle <= clock.now }) else { return }
        try await cycle(service)
    }

    /// The master's configuration is changed, and its service started anew.
    private func changeMembership() async throws {
        let branches = services.dropFirst().map(\.organization)
        guard let branch = dice.pick(Array(branches)) else { return }
        ownTally.note(.membership)
        var member = membership[branch.id] ?? Member(branch)
        switch dice.number(in: 1...4) {
        case 1: member.offers.toggle()
        case 2: member.receives = nil
        case 3:
            let others = services.map(\.organization.id).filter { $0 != branch.id }
            member.receives = Set(others.filter { _ in dice.chance(percent: 60) })
        default:
            if membership[branch.id] != nil {
                membership.remove(branch.id)
                note("\(branch.name) leaves")
                return try await services[0].restart()
            }
        }
        membership.set(member)
        let received = member.receives.map { "\($0.count) others" } ?? "all"
        note("\(branch.name) offers \(member.offers ? "its entries" : "nothing"), and receives \(received)")
        try await services[0].restart()
    }

    private func jumpClock(of service: SimulatedService) {
        let range = dice.chance(percent: 50) ? 3_600 : 300_000
        let skew = dice.number(in: -range...range)
        ownTally.note(.clockJump)
        note("\(service.organization.name)'s clock is set, \(skew) s from the world's")
        service.clock.jump(toSkewSeconds: Double(skew))
    }

    /// A row is lost from a service's database, and the entry that it was about.
    ///
    /// - Returns: whether there was one.
    public func loseEntry(of service: SimulatedService) async throws -> Bool {
        guard try await service.loseEntry() else { return false }
        if service === services[0] { masterWasDamaged = true }
        ownTally.note(.damagedDatabase)
        note("\(service.organization.name) has lost an entry")
        return true
    }

    public func takeBackup(of service: SimulatedService) throws {
        note("\(service.organization.name) is backed up")
        try service.takeBackup()
        backedUpLogs[service.organization.id] = logs[service.organization.id]
    }

    /// From here on its log is another one, whose numbers begin at those of the backup.
    public func restoreBackup(of service: SimulatedService) async throws {
        ownTally.note(.restored)
        wereRestored.insert(service.organization.id)
        note("\(service.organization.name) is restored from its backup")
        try await service.restoreBackup()
        logs[service.organization.id] = backedUpLogs[service.organization.id]
    }
}
