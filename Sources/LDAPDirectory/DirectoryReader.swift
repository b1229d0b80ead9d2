import AddressBook
import Foundation
import IncrementalSync
import LDAPClient

/// One reading of a directory, in batches: its passes one after the other, then what depends on entries that have
/// changed.
///
/// There is a new cursor at the end of a pass: until then a batch has none. When a search ends in anything but success
/// the reading fails, and nothing is concluded from what did not arrive.
actor DirectoryReader: ChangeReader {
    private enum Phase {
        case searching
        /// Below containers that have appeared.
        case rescanning
        /// Looking for what the search has not mentioned.
        case confirming(after: EntryID?)
        case ending
        case resolving(after: EntryID?)
        case ended
    }

    let source: DirectorySource
    private let connection: LDAPConnection
    private let server: ServerState
    private let method: ChangeMethod
    let fetcher: EntryFetcher
    private var passes: [ReadingPlan.Pass]
    private var cursor: DirectoryCursor
    /// The cursor as the state has it.
    private var committed: DirectoryCursor?

    private var phase = Phase.searching
    private var refresh: RefreshID
    private var feed: (any ChangeFeed)?
    private var end: FeedEnd?
    /// The search has ended, and not all of it may be committed: a batch may have been read ahead of.
    private var pendingEnd: FeedEnd?
    private var isReadAhead = false
    /// What a scan has found to be there, of what is exported.
    var present = SetSummary()
    /// Where containers have appeared and have still to be looked into, and below which that has been done.
    private var unread: [Place] = []
    private var rescanned: [LDAPDN] = []
    /// How often what depends on others has been looked for: a container takes along those below it, level by level.
    private var rounds = 0
    private static let roundsMax = 32

    init(
        source: DirectorySource, connection: LDAPConnection, server: ServerState, plan: ReadingPlan,
        known: DirectoryCursor?
    ) {
        self.source = source
        self.connection = connection
        self.server = server
        method = plan.method
        passes = plan.passes
        committed = known
        cursor = DirectoryCursor(
            search: source.search, position: nil, baseUUID: server.baseUUID, auditedAt: known?.auditedAt,
            container: known?.container ?? 0)
        refresh = source.newRefresh()
        let identities = EntryIdentities(source: source, connection: connection, isReloaded: plan.isReloaded)
        fetcher = EntryFetcher(
            source: source, connection: connection, identities: identities,
            resolver: EntryResolver(source: source, identities: identities))
    }

    deinit {
        connection.close()
    }

    func next() async throws -> ChangeBatch? {
        while true {
            let batch: ChangeBatch?
            switch phase {
            case .searching: batch = try await nextOfSearch()
            case .rescanning: batch = try await nextOfRescan()
            case .confirming(let after): batch = try await nextUnseen(after: after)
            case .ending: batch = try endPass()
            case .resolving(let after): batch = try await nextOfReferrers(after: after)
            case .ended: return nil
            }
            if let batch { return batch }
        }
    }

    // MARK: - A pass

    private func nextOfSearch() async throws -> ChangeBatch? {
        do {
            if let end = pendingEnd {
                pendingEnd = nil
                try await endSearch(end)
                return nil
            }
            if feed == nil {
                feed = try await startPass()
                await fetcher.resolver.goAhead()
            }
            guard let feed else { return nil }
            let told = try await feed.next()
            let observations = try await observations(of: told.events)
            if told.end != nil {
                self.feed = nil
                pendingEnd = told.end
                // What follows asks what the state knows, so all of the search has to be committed by then. An entry
                // that names one of a batch that was not when it was read is read again.
                defer { isReadAhead = false }
                return observations.isEmpty && !isReadAhead
                    ? nil : ChangeBatch(observations: observations, refresh: mark)
            }
            guard !observations.isEmpty else { return nil }
            isReadAhead = true
            return ChangeBatch(observations: observations, refresh: mark, allowsReadingAhead: true)
        } catch is RefreshRequired {
            // Everything is read anew, under an ID of its own, and nothing is deleted before that is done.
            passes = [.everything]
            feed = nil
            isReadAhead = false
            refresh = source.newRefresh()
            return nil
        }
    }

    private func endSearch(_ end: FeedEnd) async throws {
        self.end = end
        await fetcher.resolver.relyOnState()
        if case .changes(let position) = passes[0], method == .scan {
            self.end?.sawAll = false
            if end.isSetBack {
                if !passes.contains(.everything) { passes.append(.everything) }
            } else if try await source.index.summary() != present {
                passes.insert(.missing(since: end.position ?? position), at: 1)
            }
        }
        phase = passes[0] == .everything ? .confirming(after: nil) : .rescanning
    }

    /// What is there is marked with it. It is not, where nothing could follow from it: marking costs a write for every
    /// entry.
    var mark: RefreshID? {
        if case .changes = passes[0], method == .scan { nil } else { refresh }
    }

    private func startPass() async throws -> any ChangeFeed {
        present = SetSummary()
        // What becomes known from here on is in this pass, or is looked into by the next one.
        if passes[0] == .everything, source.stream == .contents {
            cursor.container = try await source.index.containers(after: cursor.container).newest
        }
        switch (method, passes[0]) {
        case (.contentSync, .changes(.contentSync(let cookie))):
            return try ContentSyncFeed(source, connection, after: ContentSyncCookie(Array(cookie)))
        case (.contentSync, _):
            return try ContentSyncFeed(source, connection, after: nil)
        case (.scan, .changes(.scan(let marks))), (.scan, .missing(.scan(let marks))):
            return try scan(source.base.string(), after: marks)
        case (.scan, _):
            return try scan(source.base.string(), after: nil)
        }
    }

    private func scan(_ base: String, after marks: ChangeMarks?) -> ScanFeed {
        ScanFeed(
            source, connection, base: base, after: marks, isPaged: server.controls.contains(PagedResults.oid))
    }

    // MARK: - Rescanning

    /// slapd does not tell what is below a container that has come into the scope: only the container has changed.
    private func nextOfRescan() async throws -> ChangeBatch? {
        if let feed {
            let told: FeedBatch
            do {
                told = try await feed.next()
            } catch LDAPResultCode.noSuchObject {
                told = FeedBatch(events: [], end: FeedEnd(sawAll: false))
            }
            if told.end != nil { self.feed = nil }
            let observations = try await observations(of: told.events)
            return observations.isEmpty ? nil : ChangeBatch(observations: observations, refresh: mark)
        }
        if unread.isEmpty {
            let appeared = try await source.index.containers(after: cursor.container)
            unread = appeared.places
            cursor.container = appeared.newest
            if unread.isEmpty { phase = end?.sawAll == true ? .confirming(after: nil) : .ending }
            return nil
        }
        let place = unread.removeFirst()
        let dn = try LDAPDN(place.text)
        guard !rescanned.contains(where: { $0 == dn || dn.isDescendant(of: $0) }) else { return nil }
        rescanned.append(dn)
        feed = scan(place.text, after: nil)
        return nil
    }

    // MARK: - The end of a pass

    /// What the search has not mentioned is looked for before it is believed to be gone: its silence may be a mistake of
    /// the server's, and the answer to a question is not.
    private func nextUnseen(after: EntryID?) async throws -> ChangeBatch? {
        let unseen = try await source.index.unseen(in: refresh, after: after, limit: EntryFetcher.fetchedTogether)
        guard let last = unseen.last else {
            // A full pass has read what is below the containers that it has found.
            if passes[0] == .everything, source.stream == .hierarchy {
                cursor.container = try await source.index.containers(after: cursor.container).newest
            }
            phase = .ending
            return nil
        }
        phase = .confirming(after: last)
        let found = try await fetcher.foundOrAbsent(unseen).filter { $0.place != nil }
        return found.isEmpty ? nil : ChangeBatch(observations: found, refresh: refresh)
    }

    private func endPass() throws -> ChangeBatch? {
        let pass = passes.removeFirst()
        let sawAll = end?.sawAll ?? false
        cursor.position = end?.position
        if pass == .everything, source.audit.isDue(after: cursor.auditedAt) { cursor.auditedAt = source.audit.now() }
        defer {
            end = nil
            rescanned = []
            refresh = source.newRefresh()
            phase = passes.isEmpty ? .resolving(after: nil) : .searching
        }
        let isNew = cursor != committed
        guard isNew || sawAll else { return nil }
        committed = cursor
        return ChangeBatch(
            observations: [], cursor: isNew ? try cursor.cursor : nil, refresh: refresh, completesRefresh: sawAll)
    }

    // MARK: - What depends on others

    /// Entries whose content was made from another entry that has changed: an assistant's name, a group's member, a
    /// container that went out of the scope and took along what is below it.
    private func nextOfReferrers(after: EntryID?) async throws -> ChangeBatch? {
        // Large batches: the guard judges the deletions of one together.
        let stale = try await source.index.staleReferrers(after: after, limit: ContentSyncFeed.batchSize)
        guard let last = stale.last else {
            rounds += 1
            phase = after == nil || rounds == Self.roundsMax ? .ended : .resolving(after: nil)
            return nil
        }
        phase = .resolving(after: last)
        return ChangeBatch(observations: try await fetcher.foundOrAbsent(stale))
    }
}
