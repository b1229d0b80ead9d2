import AddressBook
import Foundation
import IncrementalSync
import LDAPClient

/// Which entry of the exchange an entry of the directory is.
struct EntryIdentity: Hashable, Sendable {
    var id: EntryID
    /// The directory's entryUUID, where it is another one than that of the ID: see ``EntryIdentities/pair(_:)``.
    var replacedBy: UUID?

    /// The entryUUID in the directory.
    var uuid: UUID { replacedBy ?? id.uuid }
}

/// Finds the entries of the exchange behind the entryUUIDs of the directory.
struct EntryIdentities: Sendable {
    let source: DirectorySource
    let connection: LDAPConnection
    /// The directory has been loaded anew since it was last read.
    let isReloaded: Bool

    func identities(of uuids: [UUID]) async throws -> [UUID: EntryIdentity] {
        let replaced = try await source.index.replaced(by: uuids)
        let organization = source.access.organization
        return Dictionary(
            uuids.map { uuid in
                let id = replaced[uuid] ?? EntryID(organization: organization, uuid: uuid)
                return (uuid, EntryIdentity(id: id, replacedBy: id.uuid == uuid ? nil : uuid))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The entryUUIDs under which the directory has these entries.
    func uuids(of ids: [EntryID]) async throws -> [EntryID: UUID] {
        let replacements = try await source.index.replacements(of: ids)
        return Dictionary(ids.map { ($0, replacements[$0] ?? $0.uuid) }, uniquingKeysWith: { first, _ in first })
    }

    /// A directory that was loaded anew without its entryUUIDs has given all entries new ones. An entry that stands
    /// where one has vanished and has its name is that one: it keeps its entry ID, and nothing of it travels. In a
    /// directory that was not loaded anew, an entry that was deleted and added again is another one.
    func pair(_ candidates: inout [Candidate]) async throws {
        guard isReloaded, !candidates.isEmpty else { return }
        let places = try await source.index.places(of: candidates.map(\.id))
        let new = candidates.indices.filter { places[candidates[$0].id] == nil }
        let standing = try await source.index.entries(at: new.map { candidates[$0].dn.normalized })
        var pairs: [Int: EntryID] = [:]
        for index in new {
            guard let known = standing[candidates[index].dn.normalized],
                known.id.organization == source.access.organization,
                candidates[index].label(source.access.mapping) == known.label
            else { continue }
            pairs[index] = known.id
        }
        let uuids = try await uuids(of: Array(pairs.values))
        let present = try await present(Array(uuids.values))
        for (index, id) in pairs where uuids[id].map({ !present.contains($0) }) == true {
            candidates[index].replaces(id)
        }
    }

    /// Which of these entryUUIDs the directory has.
    private func present(_ uuids: [UUID]) async throws -> Set<UUID> {
        var present: Set<UUID> = []
        for start in stride(from: 0, to: uuids.count, by: EntryFetcher.fetchedTogether) {
            let part = uuids[start..<min(start + EntryFetcher.fetchedTogether, uuids.count)]
            let entries = try await connection.entries(
                base: source.base.string(), filter: EntryFetcher.filter(part), attributes: ["entryUUID"],
                isWhole: true)
            present.formUnion(entries.compactMap { $0.text("entryUUID").flatMap { UUID(uuidString: $0) } })
        }
        return present
    }
}
