import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// Reads single entries by their entryUUIDs, with the filter of the search that they belong to.
struct EntryFetcher: Sendable {
    let source: DirectorySource
    let connection: LDAPConnection
    let identities: EntryIdentities
    let resolver: EntryResolver

    /// How many entries are asked for in one search.
    static let fetchedTogether = 100

    static func filter(_ uuids: some Sequence<UUID>) -> String {
        "(|\(uuids.map { "(entryUUID=\($0.text))" }.joined()))"
    }

    /// Those of them that are there.
    func found(_ uuids: [UUID]) async throws -> [Observation] { try await search(uuids, isWhole: false) }

    /// - Parameter isWhole: whether an entry that is not found has to be one that is not there.
    private func search(_ uuids: [UUID], isWhole: Bool) async throws -> [Observation] {
        var observations: [Observation] = []
        for start in stride(from: 0, to: uuids.count, by: Self.fetchedTogether) {
            let part = uuids[start..<min(start + Self.fetchedTogether, uuids.count)]
            let entries = try await connection.entries(
                base: source.base.string(), filter: "(&\(source.filter)\(Self.filter(part)))",
                attributes: source.access.mapping.exportAttributes, isWhole: isWhole)
            observations += try await resolver.observations(
                of: entries.compactMap { entry in
                    entry.text("entryUUID").flatMap { UUID(uuidString: $0) }
                        .map { EntryResolver.Found(uuid: $0, entry: entry) }
                })
        }
        return observations
    }

    /// All of them: those that are there, and the others as absent.
    func foundOrAbsent(_ uuids: [UUID]) async throws -> [Observation] {
        let present = try await search(uuids, isWhole: true)
        let found = Set(present.map(\.id))
        let ids = try await identities.identities(of: uuids).values.map(\.id).sorted()
        return ids.filter { !found.contains($0) }.map { Observation(.absent($0)) } + present
    }

    /// The same for entries that are known.
    func foundOrAbsent(_ ids: [EntryID]) async throws -> [Observation] {
        try await foundOrAbsent(identities.uuids(of: ids).values.sorted { $0.text < $1.text })
    }
}
