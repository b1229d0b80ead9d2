import AddressBook
import Foundation
import IncrementalSync

/// The import base as collector. The stamp tells which entry is which; the index tells where a parent stands.
actor SimulatedCollector: Collector {
    private let directory: SimulatedDirectory
    private let index: any PlaceIndex
    private let organizationName: @Sendable (OrganizationID) async throws -> String?
    /// Where the containers of the batch's entries stand, as far as they do.
    private var placed: [EntryID: Place] = [:]
    private var names: [OrganizationID: String] = [:]

    init(
        directory: SimulatedDirectory, index: any PlaceIndex,
        organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) {
        self.directory = directory
        self.index = index
        self.organizationName = organizationName
    }

    func survey() async throws -> DestinationSurvey {
        let stamped = directory.look { tree in
            tree.nodes { $0.stamp != nil }.reduce(into: [EntryID: Place]()) { places, node in
                if let id = node.stamp { places[id] = tree.place(of: node) }
            }
        }
        let known = try await index.known(Array(stamped.keys))
        let settled = try await index.settledCount(of: Array(stamped.keys))
        return DestinationSurvey(
            unknown: stamped.filter { !known.contains($0.key) },
            lacksEntries: try await settled < index.settledCount(of: nil))
    }

    /// What frees a name before what takes it, parents before children.
    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        let parents = changes.compactMap { offered in
            offered.change.entry?.parent.map { EntryID(organization: offered.id.organization, uuid: $0) }
        }
        placed = try await index.places(of: Array(Set(parents)))
        names = [:]
        var outcomes = [Outcome?](repeating: nil, count: changes.count)
        for (index, offered) in changes.enumerated() where offered.change.entry == nil {
            outcomes[index] = try write { try Self.delete(offered.id, in: &$0) }
        }
        var containers = changes.indices.filter { changes[$0].change.entry?.kind == .container }
        while !containers.isEmpty {
            let ids = Set(containers.map { changes[$0].id.uuid })
            let ready = containers.filter { changes[$0].change.entry?.parent.map { !ids.contains($0) } ?? true }
            for index in ready.isEmpty ? containers : ready {
                outcomes[index] = try await importEntry(changes[index].change.entry)
                containers.removeAll { $0 == index }
            }
        }
        let rest = changes.indices.filter { outcomes[$0] == nil }
        let known = directory.look { tree in Set(rest.filter { tree.node(stamped: changes[$0].id) != nil }) }
        for index in rest.filter({ known.contains($0) }) + rest.filter({ !known.contains($0) }) {
            outcomes[index] = try await importEntry(changes[index].change.entry)
        }
        return ImportResult(
            outcomes: zip(changes, outcomes).map { offered, outcome in
                let outcome = outcome ?? .waiting(reason: "it was not tried")
                // A container that was moved later has taken it along.
                return outcome.mapPlacement { placement in standing(offered.id).map { Placement($0) } ?? placement }
            })
    }

    private func write(_ body: (inout DirectoryTree) throws -> Outcome) throws -> Outcome {
        if directory.fails(percent: 1) { throw Outage() }
        return try directory.change(body)
    }

    private static func delete(_ id: EntryID, in tree: inout DirectoryTree) throws -> Outcome {
        guard let node = tree.node(stamped: id) else { return .unchanged(nil) }
        do {
            try tree.delete(node.uuid)
            return .imported(nil)
        } catch DirectoryTree.Refusal.notAllowedOnNonLeaf {
            return .waiting(reason: "it has entries in it")
        }
    }

    private func importEntry(_ entry: Entry?) async throws -> Outcome? {
        guard let entry else { return nil }
        guard let container = try await container(of: entry) else {
            return .waiting(reason: "its container or its organization is not here yet")
        }
        let uuid = directory.dice.uuid()
        let before = standing(entry.id)
        let outcome = try write { try Self.write(entry, in: container, newUUID: uuid, &$0) }
        guard entry.kind == .container, let after = standing(entry.id) else { return outcome }
        // It has taken everything below it along.
        if let before, before != after { placed = placed.mapValues { $0.moved(from: before, to: after) } }
        placed[entry.id] = after
        return outcome
    }

    private func standing(_ id: EntryID) -> Place? {
        directory.look { tree in tree.node(stamped: id).map { tree.place(of: $0) } }
    }

    /// The DN; nil if it is not known yet.
    private func container(of entry: Entry) async throws -> String? {
        let organization = entry.id.organization
        if let parent = entry.parent { return placed[EntryID(organization: organization, uuid: parent)]?.text }
        if names[organization] == nil { names[organization] = try await organizationName(organization) }
        return names[organization].map { "ou=\($0),ou=interorg" }
    }

    private static func write(
        _ entry: Entry, in container: String, newUUID: UUID, _ tree: inout DirectoryTree
    ) throws -> Outcome {
        guard let superior = tree.superior(atImported: container) else {
            return .waiting(reason: "there is no \(container)")
        }
        let current = tree.node(stamped: entry.id)
        var node =
            current
            ?? DirectoryTree.Node(
                uuid: newUUID, kind: entry.kind, superior: superior, name: entry.name, fields: entry.fields,
                stamp: entry.id)
        node.superior = superior
        node.name = entry.name
        node.fields = entry.fields
        if node == current { return .unchanged(Placement(tree.place(of: node))) }
        do {
            try put(node, over: current, &tree)
            return .imported(Placement(tree.place(of: node)))
        } catch DirectoryTree.Refusal.alreadyExists {
            node.name = Value("\(entry.name)~\(entry.id.uuid.text.prefix(8))")
            do {
                try put(node, over: current, &tree)
                return .incomplete(Placement(tree.place(of: node)), reason: "another entry has its name")
            } catch DirectoryTree.Refusal.alreadyExists {
                return .refused(reason: "both its names are taken")
            }
        } catch DirectoryTree.Refusal.noSuchObject {
            return .waiting(reason: "it cannot stand in \(container)")
        }
    }

    private static func put(
        _ node: DirectoryTree.Node, over current: DirectoryTree.Node?, _ tree: inout DirectoryTree
    ) throws {
        if current == nil { try tree.add(node) } else { try tree.replace(node) }
    }
}
