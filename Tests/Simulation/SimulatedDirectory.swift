import AddressBook
import Foundation
import IncrementalSync
import InterOrgServices
import Synchronization

/// The server has gone away in the middle of something. What it had done until then stays done.
struct Outage: Error {}

/// A faithful model of an organization's directory server, with the ways of slapd and its overlay syncprov.
final class SimulatedDirectory: OrganizationDirectory, Sendable {
    let organization: OrganizationID
    let dice: Dice
    /// How many entries are read together: few, so that a reading has several steps.
    let batchSize: Int
    private let state: Mutex<(tree: DirectoryTree, isFailing: Bool, tally: Tally)>
    private let retry: Retry

    init(of organization: OrganizationID, pauses: Pauses, dice: Dice, batchSize: Int) {
        self.organization = organization
        self.dice = dice
        self.batchSize = batchSize
        self.state = Mutex((DirectoryTree(), true, Tally()))
        // Every other outage is over before anybody has lost patience.
        self.retry = Retry(
            Backoff(first: .seconds(1), longest: .seconds(1)), pauses: pauses,
            isTransient: { $0 is Outage && dice.chance(percent: 50) })
    }

    /// All of it as it is now.
    var tree: DirectoryTree { state.withLock { $0.tree } }

    /// Looks at it without a copy, which the next change would have to pay for.
    func look<Result: Sendable>(_ body: (DirectoryTree) throws -> Result) rethrows -> Result {
        try state.withLock { try body($0.tree) }
    }

    func change<Result: Sendable>(_ body: (inout DirectoryTree) throws -> Result) rethrows -> Result {
        try state.withLock { try body(&$0.tree) }
    }

    /// From now on it never goes away.
    func heal() { state.withLock { $0.isFailing = false } }

    /// Whether an outage comes now.
    func fails(percent: Int) -> Bool {
        guard state.withLock({ $0.isFailing }), dice.chance(percent: percent) else { return false }
        state.withLock { $0.tally.note(.outage) }
        return true
    }

    var tally: Tally { state.withLock { $0.tally } }

    var exports: [String] { ["ou=people"] }

    var imports: Bool { true }

    func check() async throws {}

    func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource {
        RetryingSource(SimulatedSource(directory: self, stream: stream, index: index), retry)
    }

    func collector(
        index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) -> (any Collector)? {
        RetryingCollector(
            SimulatedCollector(directory: self, index: index, organizationName: organizationName), retry)
    }

    /// What the organization's own entries say to the others.
    func ownEntries() -> [EntryID: Entry] {
        let tree = tree
        let entries = tree.nodes.values.filter { $0.stamp == nil }.map { node in
            let parent: UUID? = if case .node(let uuid) = node.superior { uuid } else { nil }
            return Entry(
                id: EntryID(organization: organization, uuid: node.uuid), kind: node.kind, parent: parent,
                name: node.name, fields: node.fields)
        }
        return Dictionary(uniqueKeysWithValues: entries.map { ($0.id, $0) })
    }

    /// The others' entries, as they stand here.
    func importedEntries() -> [EntryID: Entry] {
        let tree = tree
        var entries: [EntryID: Entry] = [:]
        for node in tree.nodes.values {
            guard let id = node.stamp else { continue }
            let parent: UUID? =
                if case .node(let uuid) = node.superior { tree.nodes[uuid]?.stamp?.uuid } else { nil }
            entries[id] = Entry(id: id, kind: node.kind, parent: parent, name: node.name, fields: node.fields)
        }
        return entries
    }
}
