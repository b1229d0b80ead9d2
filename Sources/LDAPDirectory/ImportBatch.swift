import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// One batch on its way into the directory: what is there is read, what to do about it is decided, and what was decided
/// is written. It knows where the batch itself has put things that no state knows yet.
struct ImportBatch {
    let organizationName: @Sendable (OrganizationID) async throws -> String?
    var session: ImportSession
    /// Plans that were made beforehand: see ``ImportSession/foresee(_:index:)``.
    var foreseen: [EntryID: EntryPlan] = [:]
    /// Where the entries of the batch, their containers and members stand, as far as they do.
    private var placed: [EntryID: Place]
    /// How containers of the batch have moved, in this order.
    private var moves: [(old: Place, new: Place)] = []
    /// Why organizations have no container.
    private var unplaced: [OrganizationID: Outcome] = [:]

    init(of offered: [OfferedChange], collector: DirectoryCollector, session: ImportSession) async throws {
        var others: Set<EntryID> = []
        for entry in offered.compactMap(\.change.entry) {
            if let container = entry.container { others.insert(container) }
            others.formUnion(entry.members)
        }
        var placed = try await collector.index.places(of: Array(others))
        placed.merge(await collector.strays.justWritten(of: others)) { _, new in new }
        for change in offered { placed[change.id] = change.place }
        let unknown = offered.filter { $0.place == nil }.map(\.id)
        if !unknown.isEmpty {
            let strays = try await collector.strays.places(of: unknown, in: session, index: collector.index)
            placed.merge(strays) { known, _ in known }
        }
        self.placed = placed
        self.organizationName = collector.organizationName
        self.session = session
    }

    // MARK: - Deleting

    /// What lies deeper goes first.
    func delete(_ ids: Numbered<EntryID>) async throws -> Numbered<Outcome> {
        var outcomes: Numbered<Outcome> = []
        var levels: [Int: Numbered<String>] = [:]
        // Of the others nobody has ever said where they are.
        let sought = ids.compactMap { id in placed[id.1].map { (id: id.1, place: $0) } }
        let found = try await session.find(sought, attributes: Stamp.attributes)
        for (index, id) in ids {
            guard let dn = try found[id].map({ try LDAPDN($0.dn) }) else {
                outcomes.append((index, .unchanged(nil)))
                continue
            }
            levels[dn.rdns.count, default: []].append((index, try dn.string()))
        }
        for (_, level) in levels.sorted(by: { $0.key > $1.key }) {
            let results = try await session.writer.perform(level.map { .delete(dn: $0.1) })
            for ((index, _), result) in zip(level, results) {
                switch result {
                case .success: outcomes.append((index, .imported(nil)))
                case .failure(let error) where error.code == .noSuchObject: outcomes.append((index, .unchanged(nil)))
                case .failure(let error): outcomes.append((index, try Outcome(of: error)))
                }
            }
        }
        return outcomes
    }

    // MARK: - Writing

    /// Containers level by level, each after its parent, whatever their order in the batch. New ones of a level together,
    /// those that may move one by one: where one ends up may depend on another's move.
    mutating func importContainers(_ containers: Numbered<Entry>) async throws -> Numbered<Outcome> {
        guard session.rules.placement.mirrorsContainers else {
            // Those of a time when they were mirrored go, as soon as they are empty.
            return try await delete(containers.map { ($0.0, $0.1.id) }).map { index, outcome in
                if case .imported = outcome { return (index, .unchanged(nil)) }
                return (index, outcome)
            }
        }
        var outcomes = try await importTrees(containers)
        let written = Set(outcomes.map(\.0))
        var rest = containers.filter { !written.contains($0.0) }
        while !rest.isEmpty {
            let ids = Set(rest.map(\.1.id.uuid))
            let ready = rest.filter { container in container.1.parent.map { !ids.contains($0) } ?? true }
            // Containers that hold each other can only come from damaged data; they wait for their parents' sake.
            let next = ready.isEmpty ? rest : ready
            for container in next where placed[container.1.id] != nil {
                let movesBefore = moves.count
                let outcome = try await importEntries([container])
                // What was placed below it earlier in the batch has moved along.
                for move in moves[movesBefore...] {
                    outcomes = outcomes.map { ($0, $1.mapPlacement { $0.moved(from: move.old, to: move.new) }) }
                }
                outcomes += outcome
            }
            let done = Set(outcomes.map(\.0))
            outcomes += try await importEntries(next.filter { !done.contains($0.0) })
            rest = rest.filter { !Set(next.map(\.0)).contains($0.0) }
        }
        return outcomes
    }

    /// Entries that do not depend on each other.
    ///
    /// - Parameter noted: what the server has taken note of for these.
    mutating func importEntries(
        _ entries: Numbered<Entry>, noted: NotedPlans? = nil
    ) async throws -> Numbered<Outcome> {
        guard !entries.isEmpty else { return [] }
        var wishes: [Wish] = []
        var outcomes: Numbered<Outcome> = []
        for (index, entry) in entries {
            switch wish(index, entry) {
            case .possible(let wish): wishes.append(wish)
            case .impossible(let outcome): outcomes.append((index, outcome))
            }
        }
        let writing = ImportWriting(session: session, foreseen: foreseen, noted: noted)
        let old = Dictionary(wishes.map { ($0.id, $0.hint) }, uniquingKeysWith: { first, _ in first })
        for (wish, outcome) in try await writing.carryOut(wishes) {
            note(outcome, of: wish.entry, formerly: old[wish.id] ?? nil)
            outcomes.append((wish.index, wish.incomplete(outcome)))
        }
        return outcomes
    }

    private enum Possibility {
        case possible(Wish)
        case impossible(Outcome)
    }

    /// Finds what the entry depends on.
    private func wish(_ index: Int, _ entry: Entry) -> Possibility {
        guard Entry.Kind.known.contains(entry.kind) else {
            return .impossible(
                .refused(reason: "this version cannot write a \(entry.kind.rawValue); a newer one may"))
        }
        guard let container = container(of: entry) else {
            if let outcome = unplaced[entry.id.organization] { return .impossible(outcome) }
            let reason =
                session.organizations[entry.id.organization] == nil
                ? "the name of its organization \(entry.id.organization) is not known yet"
                : "its container \(entry.parent?.text ?? "") has not been imported yet"
            return .impossible(.waiting(reason: reason))
        }
        let members = entry.members.compactMap { placed[$0].map { Value($0.text) } }
        return .possible(
            Wish(
                index: index, entry: entry, container: container, members: members,
                missingMembers: entry.members.count - members.count, hint: placed[entry.id]))
    }

    /// Where an entry of the batch stands; nil if it does not yet.
    func place(of id: EntryID) -> Place? { placed[id] }

    /// Where the container stands that the entry belongs in; nil if it does not yet.
    func container(of entry: Entry) -> Place? { session.container(of: entry, among: placed) }

    mutating func note(_ outcome: Outcome, of entry: Entry, formerly old: Place?) {
        guard let new = outcome.placement?.place else { return }
        // What is in a container has moved along.
        if entry.kind == .container, let old, old != new {
            placed = placed.mapValues { $0.moved(from: old, to: new) }
            moves.append((old, new))
        }
        placed[entry.id] = new
    }

    func places(of ids: [EntryID]) -> [EntryID: Place] {
        Dictionary(ids.compactMap { id in placed[id].map { (id, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Containers of organizations

    /// The containers that the placement names, made where they are missing.
    mutating func ensureContainers(of organizations: Set<OrganizationID>) async throws {
        for id in organizations where session.organizations[id] == nil {
            guard let name = try await organizationName(id) else { continue }
            do {
                session.organizations[id] = try await place(ofOrganization: name)
            } catch let error as LDAPError {
                // The others are in nobody's way.
                unplaced[id] = try Outcome(of: error)
            }
        }
    }

    private func place(ofOrganization name: String) async throws -> Place {
        var place = try session.rules.base.place
        for container in session.rules.placement.containers(of: name).reversed() {
            let rdn = try LDAPDN.RDN([.init(type: container.attribute, value: container.value.bytes)])
            place = try place.appending(rdn)
            try await session.writer.ensureContainer(place, container)
        }
        return place
    }
}

extension LDAPConnection {
    fileprivate func ensureContainer(_ place: Place, _ name: PlacementTemplate.Name) async throws {
        do {
            try await add(
                dn: place.text,
                attributes: [
                    LDAPAttribute("objectClass", name.containerClass),
                    LDAPAttribute(name.attribute, [name.value.bytes]),
                ])
        } catch LDAPResultCode.entryAlreadyExists {
            // Made by an earlier run.
        } catch let error as LDAPError where error.code == .referral {
            throw DirectoryError(readOnly: error)
        }
    }
}

extension Wish {
    /// A group is there, but not all of its members are.
    fileprivate func incomplete(_ outcome: Outcome) -> Outcome {
        guard missingMembers > 0 else { return outcome }
        switch outcome {
        case .imported(let placement), .unchanged(let placement):
            return .incomplete(
                placement, reason: "\(missingMembers) of its \(entry.members.count) members are not here yet")
        case .incomplete, .refused, .waiting:
            return outcome
        }
    }
}

extension Outcome {
    fileprivate var placement: Placement? {
        switch self {
        case .imported(let placement), .unchanged(let placement), .incomplete(let placement, _, _): placement
        case .refused, .waiting: nil
        }
    }
}
