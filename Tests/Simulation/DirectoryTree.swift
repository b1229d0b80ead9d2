import AddressBook
import Foundation
import IncrementalSync

/// The entries of one simulated directory server: those of its organization below the home base, those of the others
/// below the import base. It keeps the rules that a server keeps: one name once in a container, nothing without its
/// parent, no container deleted with something in it.
struct DirectoryTree {
    enum Superior: Hashable {
        case homeBase
        /// The container of an organization below the import base.
        case organization(String)
        case node(UUID)
    }

    struct Node: Hashable {
        let uuid: UUID
        let kind: Entry.Kind
        var superior: Superior
        var name: Value { didSet { rdn = Self.rdn(kind, name) } }
        private(set) var rdn: String
        var fields: [Field: [Value]]
        /// Whose entry it is, if it was imported.
        var stamp: EntryID?
        /// An attribute that no General page shows.
        var employeeNumber = 0
        /// The number of its last change: what slapd's entryCSN is good for.
        var changed = 0

        init(
            uuid: UUID, kind: Entry.Kind, superior: Superior, name: Value, fields: [Field: [Value]],
            stamp: EntryID? = nil
        ) {
            self.uuid = uuid
            self.kind = kind
            self.superior = superior
            self.name = name
            self.rdn = Self.rdn(kind, name)
            self.fields = fields
            self.stamp = stamp
        }

        private static func rdn(_ kind: Entry.Kind, _ name: Value) -> String {
            (kind == .container ? "ou=" : "cn=") + name.description
        }
    }

    /// What an entry says to the others. Not where it stands: a requestor exports it without its container when it
    /// reads that only later.
    struct State: Hashable {
        var kind: Entry.Kind
        var name: Value
        var fields: [Field: [Value]]
    }

    enum Refusal: Error {
        case alreadyExists, noSuchObject, notAllowedOnNonLeaf
    }

    private(set) var nodes: [UUID: Node] = [:]
    /// Entries of the home base that were deleted, in the order of their deletions.
    private(set) var deleted: [(node: Node, changed: Int)] = []
    /// The number of the newest change.
    private(set) var newest = 0
    /// How many changes were made below the import base.
    private(set) var importWrites = 0
    /// Every state that each entry of the home base has had, in their order; nil: it was deleted.
    private(set) var states: [UUID: [State?]] = [:]
    /// Entries of others that were written although they were there already.
    private(set) var stampedTwice: Set<EntryID> = []
    /// Entries of others that were deleted, since that was last looked at.
    private var takenBack: Set<EntryID> = []
    private var children: [Superior: [String: UUID]] = [:]
    private var stamped: [EntryID: UUID] = [:]

    mutating func lookAtTakenBack() -> Set<EntryID> {
        defer { takenBack = [] }
        return takenBack
    }

    /// In the order of their last changes.
    func nodes(where condition: (Node) -> Bool) -> [Node] {
        nodes.values.filter(condition).sorted { $0.changed < $1.changed }
    }

    func node(stamped id: EntryID) -> Node? { stamped[id].flatMap { nodes[$0] } }

    func hasChildren(_ uuid: UUID) -> Bool { !(children[.node(uuid)] ?? [:]).isEmpty }

    /// The DN.
    func place(of superior: Superior) -> String {
        switch superior {
        case .homeBase: "ou=people"
        case .organization(let name): "ou=\(name),ou=interorg"
        case .node(let uuid):
            nodes[uuid].map { "\($0.rdn),\(place(of: $0.superior))" } ?? "ou=nowhere"
        }
    }

    func place(of node: Node) -> Place {
        let text = place(of: .node(node.uuid))
        return Place(key: text, text: text)
    }

    /// What stands at a DN that is below the import base.
    func superior(atImported place: String) -> Superior? {
        var components = place.split(separator: ",").map(String.init)
        guard components.popLast() == "ou=interorg", let organization = components.popLast() else { return nil }
        var superior = Superior.organization(String(organization.dropFirst(3)))
        while let rdn = components.popLast() {
            guard let uuid = children[superior]?[rdn] else { return nil }
            superior = .node(uuid)
        }
        return superior
    }

    mutating func add(_ node: Node) throws {
        if case .node(let uuid) = node.superior, nodes[uuid] == nil { throw Refusal.noSuchObject }
        guard children[node.superior]?[node.rdn] == nil else { throw Refusal.alreadyExists }
        store(node)
    }

    /// Modifies or renames an entry.
    mutating func replace(_ node: Node) throws {
        guard let old = nodes[node.uuid] else { throw Refusal.noSuchObject }
        guard old != node else { return }
        if case .node(let uuid) = node.superior {
            guard nodes[uuid] != nil, !isInside(uuid, node.uuid) else { throw Refusal.noSuchObject }
        }
        if old.rdn != node.rdn || old.superior != node.superior {
            guard children[node.superior]?[node.rdn] == nil else { throw Refusal.alreadyExists }
            children[old.superior]?[old.rdn] = nil
        }
        store(node)
    }

    mutating func delete(_ uuid: UUID) throws {
        guard let node = nodes[uuid] else { throw Refusal.noSuchObject }
        guard !hasChildren(uuid) else { throw Refusal.notAllowedOnNonLeaf }
        nodes[uuid] = nil
        children[node.superior]?[node.rdn] = nil
        newest += 1
        if let stamp = node.stamp {
            stamped[stamp] = nil
            takenBack.insert(stamp)
            importWrites += 1
        } else {
            deleted.append((node, newest))
            states[uuid, default: []].append(nil)
        }
    }

    /// Whether the first container is the second one or below it.
    func isInside(_ uuid: UUID, _ container: UUID) -> Bool {
        if uuid == container { return true }
        guard case .node(let superior) = nodes[uuid]?.superior else { return false }
        return isInside(superior, container)
    }

    private mutating func store(_ node: Node) {
        var node = node
        newest += 1
        node.changed = newest
        nodes[node.uuid] = node
        children[node.superior, default: [:]][node.rdn] = node.uuid
        if let stamp = node.stamp {
            if let known = stamped.updateValue(node.uuid, forKey: stamp), known != node.uuid {
                stampedTwice.insert(stamp)
            }
            importWrites += 1
        } else {
            states[node.uuid, default: []].append(State(kind: node.kind, name: node.name, fields: node.fields))
        }
    }
}
