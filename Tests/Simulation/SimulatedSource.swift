import AddressBook
import Foundation
import IncrementalSync

/// The home base as change source: what has changed since the cookie, and what is gone, as slapd tells it by RFC 4533.
struct SimulatedSource: ChangeSource {
    let directory: SimulatedDirectory
    let stream: ChangeStream
    let index: any PlaceIndex

    func read(after cursor: Cursor?) async throws -> any ChangeReader {
        if directory.fails(percent: 3) { throw Outage() }
        var cookie = cursor.flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) }
        // "e-syncRefreshRequired": everything is read anew.
        if directory.dice.chance(percent: 4) { cookie = nil }
        return SimulatedReader(source: self, cookie: cookie)
    }
}

private actor SimulatedReader: ChangeReader {
    private enum Event {
        case entry(DirectoryTree.Node)
        case present(UUID)
        case deleted(UUID)
    }

    private enum Phase { case searching, resolving(after: EntryID?), ended }

    private let source: SimulatedSource
    private let tree: DirectoryTree
    private let refresh: RefreshID
    private var events: ArraySlice<Event>
    private let sawAllPresent: Bool
    private var phase = Phase.searching
    private var containers: [String: UUID] = [:]

    init(source: SimulatedSource, cookie: Int?) {
        self.source = source
        let tree = source.directory.tree
        self.tree = tree
        self.refresh = RefreshID(source.directory.dice.uuid())
        let home = tree.nodes { $0.stamp == nil && $0.kind.stream == source.stream }
        let changed = home.filter { $0.changed > cookie ?? 0 }.map { Event.entry($0) }
        // A session log that is too short makes syncprov name what is present instead of what is gone.
        if let cookie, source.directory.dice.chance(percent: 75) {
            let deleted = tree.deleted.filter { $0.changed > cookie && $0.node.kind.stream == source.stream }
            events = deleted.map { .deleted($0.node.uuid) } + changed[...]
            sawAllPresent = false
        } else {
            events = home.filter { $0.changed <= cookie ?? 0 }.map { .present($0.uuid) } + changed[...]
            sawAllPresent = true
        }
    }

    func next() async throws -> ChangeBatch? {
        if case .searching = phase {
            if source.directory.fails(percent: 2) { throw Outage() }
            let batch = try await observations(of: events.prefix(source.directory.batchSize))
            events = events.dropFirst(source.directory.batchSize)
            if events.isEmpty { phase = .resolving(after: nil) }
            return ChangeBatch(observations: batch, refresh: refresh)
        }
        guard case .resolving(let after) = phase else { return nil }
        let stale = try await source.index.staleReferrers(after: after, limit: source.directory.batchSize)
        if let last = stale.last {
            phase = .resolving(after: last)
            var observations: [Observation] = []
            for node in stale.compactMap({ tree.nodes[$0.uuid] }) {
                observations.append(try await observation(of: node))
            }
            return ChangeBatch(observations: observations, refresh: refresh)
        }
        phase = .ended
        return ChangeBatch(
            observations: [], cursor: Cursor(bytes: Array(String(tree.newest).utf8)), refresh: refresh,
            completesRefresh: sawAllPresent)
    }

    private func observations(of events: ArraySlice<Event>) async throws -> [Observation] {
        var observations: [Observation] = []
        let present = events.compactMap { event in if case .present(let uuid) = event { entryID(uuid) } else { nil } }
        let recorded = present.isEmpty ? [] : try await source.index.recorded(present)
        for event in events {
            switch event {
            case .entry(let node): observations.append(try await observation(of: node))
            case .deleted(let uuid): observations.append(Observation(.absent(entryID(uuid))))
            case .present(let uuid):
                observations.append(Observation(.present(entryID(uuid))))
                // A present UUID that is not known is fetched.
                if !recorded.contains(entryID(uuid)), let node = tree.nodes[uuid] {
                    observations.append(try await observation(of: node))
                }
            }
        }
        return observations
    }

    private func observation(of node: DirectoryTree.Node) async throws -> Observation {
        let place = tree.place(of: node)
        var references: [ResolvedReference] = []
        var parent: UUID?
        if node.superior != .homeBase {
            let above = tree.place(of: node.superior)
            if let uuid = containers[above] {
                parent = uuid
            } else if let known = try await source.index.entries(at: [above])[above] {
                parent = known.id.uuid
                // The hierarchy does not change while the contents are read.
                if source.stream == .contents { containers[above] = parent }
            }
            let found = parent.map { KnownEntry(id: entryID($0), label: "") }
            references.append(ResolvedReference(place: above, found: found, showsLabel: false))
        }
        if node.kind == .container { containers[place.key] = node.uuid }
        let entry = Entry(id: entryID(node.uuid), kind: node.kind, parent: parent, name: node.name, fields: node.fields)
        return Observation(.change(.upsert(entry)), place: place, references: references)
    }

    private func entryID(_ uuid: UUID) -> EntryID {
        EntryID(organization: source.directory.organization, uuid: uuid)
    }
}
