import AddressBook
import Foundation
import IncrementalSync
import LDAPClient

extension DirectoryReader {
    /// What the events of a feed mean.
    func observations(of events: [FeedEvent]) async throws -> [Observation] {
        var listed: [ListedEntry] = []
        var found: [EntryResolver.Found] = []
        var deleted: [UUID] = []
        for event in events {
            switch event {
            case .entry(let uuid, let entry): found.append(EntryResolver.Found(uuid: uuid, entry: entry))
            case .listed(let entry): listed.append(entry)
            case .deleted(let uuid): deleted.append(uuid)
            }
        }
        // slapd (2.5, session log) reports an entry as deleted that was modified again while it answered: it looks for
        // it with the older change stamp. So each one is looked for before it is believed to be gone.
        return try await present(listed) + fetcher.resolver.observations(of: found) + fetcher.foundOrAbsent(deleted)
    }

    /// Of those that are there, the ones that may have changed are fetched, and those that the state does not have, or
    /// elsewhere.
    private func present(_ listed: [ListedEntry]) async throws -> [Observation] {
        guard !listed.isEmpty else { return [] }
        let identities = try await fetcher.identities.identities(of: listed.map(\.uuid))
        let ids = identities.values.map(\.id)
        let recorded = try await source.index.recorded(ids)
        let places = try await source.index.places(of: ids)
        var observations: [Observation] = []
        var fetched: [UUID] = []
        for entry in listed {
            guard let identity = identities[entry.uuid] else { continue }
            if mark != nil { observations.append(Observation(.present(identity.id))) }
            let isRecorded = recorded.contains(identity.id)
            if isRecorded { present.insert(identity.id) }
            let hasMoved = try entry.dn.map { try LDAPDN($0).normalized != places[identity.id]?.key } ?? false
            if entry.mayHaveChanged || !isRecorded || hasMoved { fetched.append(entry.uuid) }
        }
        let found = try await fetcher.found(fetched)
        for observation in found where observation.place != nil && !recorded.contains(observation.id) {
            present.insert(observation.id)
        }
        return observations + found
    }
}
