import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// One content synchronization search, read in batches.
///
/// The server gives its cookie at the end: until then a batch has no cursor. When the search ends in anything but
/// success the reading fails, and nothing is concluded from what did not arrive.
actor DirectoryReader: ChangeReader {
    private enum Phase {
        case searching
        case resolving(after: EntryID?)
        case ending, ended
    }

    private let source: DirectorySource
    private let connection: LDAPConnection
    private var refresh: RefreshID
    private var cookie: [UInt8]?
    private var events: LDAPSearch.Iterator?
    private var search: LDAPSearch?
    private var phase = Phase.searching
    private let resolver: EntryResolver
    private var finalCookie: [UInt8]?
    /// A present phase has ended: what it did not mention is gone.
    private var sawAllPresent = false

    init(source: DirectorySource, connection: LDAPConnection, cookie: [UInt8]?, refresh: RefreshID) {
        self.source = source
        self.connection = connection
        self.cookie = cookie
        self.refresh = refresh
        self.resolver = EntryResolver(source: source)
    }

    deinit {
        connection.close()
    }

    func next() async throws -> ChangeBatch? {
        if case .searching = phase { return try await nextOfSearch() }
        if case .resolving(let after) = phase, let batch = try await nextOfReferrers(after: after) { return batch }
        guard case .ending = phase else { return nil }
        phase = .ended
        let cursor = try finalCookie.map { try source.cursor(from: $0) }
        return ChangeBatch(observations: [], cursor: cursor, refresh: refresh, completesRefresh: sawAllPresent)
    }

    private func nextOfSearch() async throws -> ChangeBatch? {
        var observations: [Observation] = []
        var entries: [EntryResolver.Found] = []
        do {
            var bytes = 0
            while observations.count + entries.count < DirectorySource.batchSize, bytes < DirectorySource.batchBytesMax
            {
                guard let event = try await nextEvent() else {
                    try endSearch()
                    break
                }
                try await observe(event, &observations, &entries)
                if case .entry(let entry) = event { bytes += entry.valueBytes }
            }
        } catch let error as LDAPError where cookie != nil && Self.cannotContinue(error) {
            // Everything is read anew, and nothing is deleted before that is done.
            cookie = nil
            events = nil
            refresh = source.newRefresh()
        } catch LDAPResultCode.noSuchObject {
            throw source.access.missing(source.base, "directory.export")
        } catch LDAPResultCode.unavailableCriticalExtension {
            throw noContentSynchronization
        }
        // An entry that names one of a batch that is not committed yet is read again at the end, as a stale referrer; so
        // before those are looked for, everything has to be.
        var isSearching = false
        if case .searching = phase { isSearching = true }
        return ChangeBatch(
            observations: observations + (try await resolver.observations(of: entries)), refresh: refresh,
            allowsReadingAhead: isSearching)
    }

    /// The server cannot go on from the cookie: it has forgotten too much, or (slapd's answer to a cookie from the
    /// future) it has been restored from a backup.
    private static func cannotContinue(_ error: LDAPError) -> Bool {
        error.code == .syncRefreshRequired || error.code == .unwillingToPerform
    }

    private func nextEvent() async throws -> LDAPSearchEvent? {
        if events == nil {
            let request = ContentSyncRequest(mode: .refreshOnly, cookie: cookie, reloadHint: false)
            let search = try connection.search(
                base: source.base.string(), scope: .subtree, filter: source.filter,
                attributes: source.access.mapping.exportAttributes, controls: [request.control()])
            self.search = search
            events = search.makeAsyncIterator()
        }
        var iterator = events
        let event = try await iterator?.next(isolation: self)
        events = iterator
        return event
    }

    private var noContentSynchronization: DirectoryError {
        DirectoryError(
            "read \(source.base): the server does not support content synchronization (RFC 4533)",
            advice: "load slapd's overlay syncprov on the database")
    }

    /// The search has succeeded. Whether what was not mentioned is gone is what `refreshDeletes` says.
    private func endSearch() throws {
        guard let result = search?.result, let done = try ContentSyncDone(result) else {
            throw noContentSynchronization
        }
        // slapd gives none when nothing is new, and an empty one for a database that nothing has been written to.
        finalCookie = done.cookie.flatMap { $0.isEmpty ? nil : $0 }
        // Without a cookie the server sends everything there is, and slapd still says "refreshDeletes".
        if cookie == nil || !done.refreshDeletes { sawAllPresent = true }
        phase = .resolving(after: nil)
    }

    private func observe(
        _ event: LDAPSearchEvent, _ observations: inout [Observation], _ entries: inout [EntryResolver.Found]
    ) async throws {
        switch event {
        case .entry(let entry):
            guard let state = try ContentSyncState(entry) else { return }
            let id = entryID(state.entryUUID)
            switch state.state {
            case .present: observations.append(Observation(.present(id)))
            case .delete: observations += try await confirm(deleted: [id.uuid])
            case .add, .modify: entries.append(EntryResolver.Found(id: id, entry: entry))
            }
        case .intermediate:
            switch try ContentSyncInfo(event) {
            case .idSet(_, refreshDeletes: true, let uuids): observations += try await confirm(deleted: uuids)
            case .idSet(_, refreshDeletes: false, let uuids): observations += try await present(uuids)
            case .refreshPresent: sawAllPresent = true
            case .newCookie, .refreshDelete, nil: break
            }
        case .reference: break
        }
    }

    /// A present UUID that is not known here is fetched: the state has lost it.
    private func present(_ uuids: [UUID]) async throws -> [Observation] {
        let ids = uuids.map(entryID)
        let recorded = try await source.index.recorded(ids)
        let unknown = ids.filter { !recorded.contains($0) }
        var observations = ids.map { Observation(.present($0)) }
        for start in stride(from: 0, to: unknown.count, by: Self.fetchedTogether) {
            observations += try await fetch(Array(unknown[start..<min(start + Self.fetchedTogether, unknown.count)]))
        }
        return observations
    }

    /// slapd (2.5, session log) reports an entry as deleted that was modified again while it answered: it looks for it
    /// with the older change stamp. So each one is looked for before it is believed to be gone.
    private func confirm(deleted uuids: [UUID]) async throws -> [Observation] {
        var observations: [Observation] = []
        var rest = uuids.map(entryID)[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Self.fetchedTogether))
            rest = rest.dropFirst(part.count)
            let present = try await fetch(part)
            let found = Set(present.map(\.id))
            observations += part.filter { !found.contains($0) }.map { Observation(.absent($0)) } + present
        }
        return observations
    }

    /// How many entries are asked for in one search, by entryUUID.
    private static let fetchedTogether = 100

    private func entryID(_ uuid: UUID) -> EntryID {
        EntryID(organization: source.access.organization, uuid: uuid)
    }

    /// Entries whose content was made from another entry that has changed: an assistant's name, a group's member.
    private func nextOfReferrers(after: EntryID?) async throws -> ChangeBatch? {
        let stale = try await source.index.staleReferrers(after: after, limit: Self.fetchedTogether)
        guard let last = stale.last else {
            phase = .ending
            return nil
        }
        phase = .resolving(after: last)
        return ChangeBatch(observations: try await fetch(stale), refresh: refresh)
    }

    private func fetch(_ ids: [EntryID]) async throws -> [Observation] {
        guard !ids.isEmpty else { return [] }
        let alternatives = ids.map { "(entryUUID=\($0.uuid.text))" }.joined()
        let entries = try await connection.entries(
            base: source.base.string(), filter: "(&\(source.filter)(|\(alternatives)))",
            attributes: source.access.mapping.exportAttributes)
        return try await resolver.observations(
            of: entries.compactMap { entry in
                entry.text("entryUUID").flatMap { UUID(uuidString: $0) }
                    .map { EntryResolver.Found(id: entryID($0), entry: entry) }
            })
    }
}
