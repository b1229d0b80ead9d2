import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// The numbers that a log has given in one line of lives.
struct LogHistory {
    var highest: Int64 = 0
    var given: [Int64: EntryID] = [:]
}

/// What must hold.
extension World {
    /// A number is greater than every number given before it (R3).
    func watchLog(of service: SimulatedService) async throws {
        let log = ChangeLog(store: service.store)
        let name = service.organization.name
        var history = logs[service.organization.id] ?? LogHistory()
        let highest = try await log.line().highest
        guard highest >= history.highest else {
            throw Failure(description: "\(name)'s numbers go down from \(history.highest) to \(highest)")
        }
        guard highest > history.highest else { return }
        for stream in ChangeStream.allCases {
            let changes = try await log.changes(
                stream, after: history.highest, through: .max, limit: .max)
            for change in changes {
                history.given[change.number] = change.change.id
                if service === services[0] { try watchState(change.change) }
            }
        }
        history.highest = highest
        logs[service.organization.id] = history
    }

    /// Nothing is taken back that is still there at home, for as long as nobody leaves and everybody receives everything.
    func watchDeletions(by service: SimulatedService) throws {
        let takenBack = service.directory.change { $0.lookAtTakenBack() }
        guard ownTally[.membership] == 0, !masterWasDamaged else { return }
        for id in takenBack.sorted() {
            guard let owner = self.service(id.organization), let node = owner.directory.look({ $0.nodes[id.uuid] })
            else { continue }
            throw Failure(
                description: "\(service.organization.name) deletes \(owner.organization.name)'s \(node.name), "
                    + "which is still there")
        }
    }

    /// What the master numbers of an entry is never older than what it had of it, whatever mail comes when: except after
    /// a backup was restored, from which older states may come, and after what the organization has left or come again.
    private func watchState(_ change: Change) throws {
        let id = change.id
        guard !wereRestored.contains(id.organization), let owner = service(id.organization),
            !wereRestored.contains(services[0].organization.id), !membership.withdrawn.contains(id.organization)
        else { return }
        let states = owner.directory.look { $0.states[id.uuid] ?? [] }
        let state = change.entry.map {
            DirectoryTree.State(kind: $0.kind, name: $0.name, fields: $0.fields)
        }
        let newest = newestStates[id] ?? 0
        // It may have been so more than once: the earliest time that is possible is taken.
        guard let index = states.indices.dropFirst(newest).first(where: { states[$0] == state }) else {
            throw Failure(
                description: "the master goes back to an older state of \(owner.organization.name)'s \(id.uuid.text): "
                    + Self.describe(change.entry))
        }
        newestStates[id] = index
    }

    /// Every directory and the master database hold what every owner's directory says, and nobody has a problem.
    public func demandConvergence() async throws {
        var differences: [String] = []
        for service in services {
            // Who has left does nothing more, and its problems stay.
            for listed in takesPart(service) ? try await service.store.problems() : [] {
                let problem = listed.problem
                differences.append(
                    "\(service.organization.name) has a problem in \(listed.synchronization): \(problem.kind) "
                        + "\(problem.label ?? "\(problem.id)"): \(problem.reason)")
            }
            let history = logs[service.organization.id] ?? LogHistory()
            for (id, change) in try await database(of: service) {
                if let given = history.given[change.number], given != id {
                    differences.append("\(service.organization.name) has given \(change.number) twice")
                }
            }
        }
        let own = services.map { $0.directory.ownEntries() }
        let master = services[0].organization.id
        for service in services {
            differences += service.directory.look(\.stampedTwice).sorted().map {
                "\($0) stands twice in \(service.organization.name)'s directory"
            }
            let seen = own.indices.filter { index in
                membership.shows(services[index].organization.id, to: service.organization.id, master: master)
            }
            guard takesPart(service) else { continue }
            differences += compare(
                service.directory.importedEntries(), with: seen.map { own[$0] },
                in: "\(service.organization.name)'s directory")
        }
        let database = try await database(of: services[0]).compactMapValues(\.change.entry)
        let offered = own.indices.filter { index in
            index == 0 || membership[services[index].organization.id]?.offers == true
        }
        differences += compare(database, with: offered.map { own[$0] }, in: "the master database")
        if !differences.isEmpty { throw Failure(description: differences.joined(separator: "\n")) }
    }

    func takesPart(_ service: SimulatedService) -> Bool {
        service === services[0] || membership[service.organization.id] != nil
    }

    private func database(of service: SimulatedService) async throws -> [EntryID: NumberedChange] {
        var entries: [EntryID: NumberedChange] = [:]
        for stream in ChangeStream.allCases {
            let changes = try await ChangeLog(store: service.store)
                .changes(stream, after: 0, through: .max, limit: .max)
            for change in changes { entries[change.change.id] = change }
        }
        return entries
    }

    private func compare(_ found: [EntryID: Entry], with owners: [[EntryID: Entry]], in place: String) -> [String] {
        let expected = owners.reduce(into: [:]) { all, entries in all.merge(entries) { first, _ in first } }
        return Set(found.keys).union(expected.keys).sorted().compactMap { id in
            guard found[id] != expected[id] else { return nil }
            let owner = service(id.organization)?.organization.name ?? "nobody"
            return "in \(place), of \(owner) \(id.uuid.text.prefix(8)): "
                + "\(Self.describe(found[id])), but at home \(Self.describe(expected[id]))"
        }
    }

    private static func describe(_ entry: Entry?) -> String {
        guard let entry else { return "nothing" }
        let fields = entry.fields.keys.sorted().map { field in
            "\(field.rawValue) \(entry[field].map(\.description).joined(separator: ", "))"
        }
        return
            "\(entry.kind) \(entry.name) in \(entry.parent?.text.prefix(8) ?? "the base") [\(fields.joined(separator: "; "))]"
    }
}
