import Foundation
import InterOrgProtocol

/// What happens in a world until it heals.
extension World {
    private enum Event {
        case change, cycle, mail, fuse, backup, restoration, clockJump, wait
    }

    /// How many times each happens in a hundred steps.
    private static let frequencies: [(Event, Int)] = [
        (.change, 25), (.cycle, 29), (.mail, 32), (.fuse, 6), (.backup, 3), (.restoration, 1), (.clockJump, 2),
        (.wait, 2),
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
        case .backup where kind.restoresBackups && canBeRestored(service): try takeBackup(of: service)
        case .restoration where kind.restoresBackups:
            guard let restored = dice.pick(services.filter(\.hasBackup)) else { return }
            try await restoreBackup(of: restored)
        case .clockJump: jumpClock(of: service)
        default: clock.advance(seconds: Double(dice.number(in: 60...dice.number(in: 3_600...200_000))))
        }
    }

    /// The master, or any requestor: what has only been in lives that both of them have lost nobody can know of any more,
    /// and the master's own directory keeps it.
    private func canBeRestored(_ service: SimulatedService) -> Bool { (service === services[0]) == restoresMaster }

    /// Somebody's time has come; if nobody's, it is waited for.
    private func scheduledCycle() async throws {
        let next = services.map(\.nextCycle).min() ?? clock.now
        clock.advance(seconds: max(0, next - clock.now))
        guard let service = dice.pick(services.filter { $0.nextCycle <= clock.now }) else { return }
        try await cycle(service)
    }

    private func jumpClock(of service: SimulatedService) {
        let range = dice.chance(percent: 50) ? 3_600 : 300_000
        let skew = dice.number(in: -range...range)
        ownTally.note(.clockJump)
        note("\(service.organization.name)'s clock is set, \(skew) s from the world's")
        service.clock.jump(toSkewSeconds: Double(skew))
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
