import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// One batch on its way into the directory: the connection, and where the batch itself has put things that no state
/// knows yet.
struct ImportBatch {
    let access: DirectoryAccess
    let importBase: LDAPDN
    let organizationName: @Sendable (OrganizationID) async throws -> String?
    var session: DirectoryCollector.Session
    /// Where the entries of the batch, their containers and members stand, as far as they do.
    private var placed: [EntryID: Place]
    private var movedContainers: [(old: Place, new: Place)] = []

    init(
        of offered: [OfferedChange], collector: DirectoryCollector, session: DirectoryCollector.Session
    ) async throws {
        var others: Set<EntryID> = []
        for entry in offered.compactMap(\.change.entry) {
            if let parent = entry.parent {
                others.insert(EntryID(organization: entry.id.organization, uuid: parent))
            }
            others.formUnion(entry.members)
        }
        var placed = try await collector.index.places(of: Array(others))
        for change in offered { placed[change.id] = change.place }
        let unknown = offered.filter { $0.place == nil }.map(\.id)
        if !unknown.isEmpty {
            let strays = try await collector.strays.places(
                of: unknown, below: collector.importBase, in: session, index: collector.index)
            placed.merge(strays) { known, _ in known }
        }
        self.placed = placed
        self.access = collector.access
        self.importBase = collector.importBase
        self.organizationName = collector.organizationName
        self.session = session
    }

    typealias Numbered<Element> = [(Int, Element)]

    func delete(_ ids: Numbered<EntryID>) async throws -> Numbered<Outcome> {
        try await inFlight(ids) { id, batch in
            let known = batch.place(of: id)
            return (try await batch.writer.delete(id, hint: known), id)
        }.map { ($0.0, $0.1.0) }
    }

    /// Containers level by level, each after its parent, whatever their order in the batch. New ones of a level together,
    /// those that may move one by one.
    mutating func importContainers(_ containers: Numbered<Entry>) async throws -> Numbered<Outcome> {
        try await ensureOrganizations(of: containers.map(\.1))
        var outcomes: Numbered<Outcome> = []
        var rest = containers
        while !rest.isEmpty {
            let ids = Set(rest.map(\.1.id.uuid))
            let ready = rest.filter { container in container.1.parent.map { !ids.contains($0) } ?? true }
            // Containers that hold each other can only come from damaged data; they wait for their parents' sake.
            let next = ready.isEmpty ? rest : ready
            for (index, entry) in next where placed[entry.id] != nil {
                let old = place(of: entry.id)
                let outcome = try await importEntry(entry)
                note(outcome, of: entry, oldPlace: old)
                outcomes.append((index, outcome))
            }
            let new = next.filter { placed[$0.1.id] == nil }
            let entries = Dictionary(new, uniquingKeysWith: { first, _ in first })
            for (index, outcome) in try await addTogether(new) {
                if let entry = entries[index] { note(outcome, of: entry, oldPlace: nil) }
                outcomes.append((index, outcome))
            }
            let done = Set(next.map(\.0))
            rest = rest.filter { !done.contains($0.0) }
        }
        return outcomes
    }

    /// People before groups, which name their members.
    mutating func importEntries(_ entries: Numbered<Entry>) async throws -> Numbered<Outcome> {
        try await ensureOrganizations(of: entries.map(\.1))
        var outcomes: Numbered<Outcome> = []
        for part in [entries.filter { $0.1.kind != .group }, entries.filter { $0.1.kind == .group }] {
            let turns = Dictionary(try part.map { ($0.0, try turn(of: $0.1)) }, uniquingKeysWith: { first, _ in first })
            for turn in Turn.allCases {
                let ready = part.filter { turns[$0.0] == turn }
                let done =
                    turn == .new
                    ? try await addTogether(ready)
                    : try await inFlight(ready, width: turn.width) { try await $1.importEntry($0) }
                let entries = Dictionary(ready, uniquingKeysWith: { first, _ in first })
                for (index, outcome) in done {
                    if let entry = entries[index] { note(outcome, of: entry, oldPlace: nil) }
                }
                outcomes += done
            }
        }
        return outcomes
    }

    /// What stands somewhere comes before what is new: a rename frees a DN that another takes.
    private enum Turn: CaseIterable {
        case renamed, standing, new

        /// How many at a time. Renames come one by one: before another entry takes the old name, the groups that have
        /// it as a member name it by its new one.
        var width: Int { self == .renamed ? 1 : DirectoryCollector.operationsInFlight }
    }

    private func turn(of entry: Entry) throws -> Turn {
        guard let place = place(of: entry.id) else { return .new }
        // A name that cannot be is refused when it is the entry's turn, and is in no other's way.
        guard let container = try container(of: entry),
            let target = try? writer.target(of: entry, in: container).place
        else { return .standing }
        return target.key == place.key ? .standing : .renamed
    }

    private mutating func note(_ outcome: Outcome, of entry: Entry, oldPlace: Place?) {
        switch outcome {
        case .imported(let place?), .unchanged(let place?), .incomplete(let place?, _):
            placed[entry.id] = place
            if entry.kind == .container, let oldPlace, oldPlace != place {
                movedContainers.append((old: oldPlace, new: place))
            }
        default: break
        }
    }

    /// Where an entry stands now, moves of this batch included.
    func place(of id: EntryID) -> Place? {
        guard let place = placed[id], !movedContainers.isEmpty else { return placed[id] }
        return movedContainers.reduce(place) { $0.moved(from: $1.old, to: $1.new) }
    }

    var writer: EntryWriter { EntryWriter(access: access, importBase: importBase, session: session) }

    /// Runs the operation for every element, so many at a time.
    private func inFlight<Element: Sendable, Result: Sendable>(
        _ elements: Numbered<Element>, width: Int = DirectoryCollector.operationsInFlight,
        _ operation: @escaping @Sendable (Element, ImportBatch) async throws -> Result
    ) async throws -> Numbered<Result> {
        let batch = self
        return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results: Numbered<Result> = []
            var waiting = elements[...]
            for _ in 0..<width {
                guard let (index, element) = waiting.popFirst() else { break }
                group.addTask { (index, try await operation(element, batch)) }
            }
            while let result = try await group.next() {
                results.append(result)
                guard let (index, element) = waiting.popFirst() else { continue }
                group.addTask { (index, try await operation(element, batch)) }
            }
            return results
        }
    }
}

extension ImportBatch {
    /// Finds what the entry depends on, and writes it.
    func importEntry(_ entry: Entry) async throws -> Outcome {
        if let outcome = unwritable(entry) { return outcome }
        guard let container = try container(of: entry) else { return withoutContainer(entry) }
        let (members, missing) = members(of: entry)
        let outcome = try await writer.write(entry, in: container, members: members, hint: place(of: entry.id))
        return incomplete(outcome, entry, missing: missing)
    }

    func unwritable(_ entry: Entry) -> Outcome? {
        guard !Entry.Kind.known.contains(entry.kind) else { return nil }
        return .refused(reason: "this version cannot write a \(entry.kind.rawValue); a newer one may")
    }

    func withoutContainer(_ entry: Entry) -> Outcome {
        .waiting(
            reason: entry.parent.map { "its container \($0.text) has not been imported yet" }
                ?? "the name of its organization \(entry.id.organization) is not known yet")
    }

    /// The DNs of a group's members, and how many have none yet.
    func members(of entry: Entry) -> (here: [Value], missing: Int) {
        let here = entry.members.compactMap { place(of: $0).map { Value($0.text) } }
        return (here, entry.members.count - here.count)
    }

    func incomplete(_ outcome: Outcome, _ entry: Entry, missing: Int) -> Outcome {
        guard missing > 0 else { return outcome }
        switch outcome {
        case .imported(let place), .unchanged(let place):
            return .incomplete(
                place: place, reason: "\(missing) of its \(entry.members.count) members are not here yet")
        case .incomplete, .refused, .waiting:
            return outcome
        }
    }

    /// Where the entry belongs; nil if that is not there yet.
    private func container(of entry: Entry) throws -> LDAPDN? {
        guard entry.parent != nil else { return session.organizations[entry.id.organization] }
        return try containerPlace(of: entry).map { try LDAPDN($0.text) }
    }

    func containerPlace(of entry: Entry) throws -> Place? {
        guard let parent = entry.parent else { return try session.organizations[entry.id.organization]?.place }
        return place(of: EntryID(organization: entry.id.organization, uuid: parent))
    }

    /// The containers `ou=<organization>` of all organizations in the batch, made where they are missing.
    mutating func ensureOrganizations(of entries: [Entry]) async throws {
        for id in Set(entries.map(\.id.organization)) where session.organizations[id] == nil {
            guard let name = try await organizationName(id) else { continue }
            let dn = importBase.appending(try LDAPDN.RDN("ou", name))
            do {
                try await session.connection.add(
                    dn: dn.string(),
                    attributes: [LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", name)])
            } catch LDAPResultCode.entryAlreadyExists {
                // Made by an earlier run.
            }
            session.organizations[id] = dn
        }
    }
}
