import AddressBook
import Foundation
import IncrementalSync

/// The import base as collector. The stamp tells which entry is which; the index tells where a parent stands.
actor SimulatedCollector: Collector {
    private let directory: SimulatedDirectory
    private let index: any PlaceIndex
    private let organizationName: @Sendable (OrganizationID) async throws -> String?
    private var placed: [EntryID: Place] = [:]

    init(
        directory: SimulatedDirectory, index: any PlaceIndex,
        organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) {
        self.directory = directory
        self.index = index
        self.organizationName = organizationName
    }

    /// What frees a name before what takes it, parents before children.
    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
        placed = [:]
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
        return ImportResult(outcomes: outcomes.map { $0 ?? .waiting(reason: "it was not tried") })
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
        let container: String
        if let parent = entry.parent {
            let id = EntryID(organization: entry.id.organization, uuid: parent)
            let known = try await index.places(of: [id])
            guard let place = placed[id] ?? known[id] else { return .waiting(reason: "its container is not here yet") }
            container = place.text
        } else {
            guard let name = try await organizationName(entry.id.organization) else {
                return .waiting(reason: "its organization is not known yet")
            }
            container = "ou=\(name),ou=interorg"
        }
        let uuid = directory.dice.uuid()
        let outcome = try write { try Self.write(entry, in: container, newUUID: uuid, &$0) }
        // A container that has moved has taken everything below it along; so all is looked up again.
        let ids = placed.keys + [entry.id]
        placed = directory.look { tree in
            ids.reduce(into: [:]) { $0[$1] = tree.node(stamped: $1).map { tree.place(of: $0) } }
        }
        return outcome
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
