import DirectoryMapping
import Foundation
import LDAPClient

/// What a content synchronization search has said so far, and what may be concluded from it (RFC 4533, section 3.3).
///
/// A cookie counts only at the end, in success: the one in a message in the middle may be ahead of changes that are
/// still to come (slapd's lists of deleted entries bear the stamp of the newest deletion, before older changes are
/// sent), and in a present phase nothing is known to be gone before that phase has ended.
struct ContentSyncRefresh {
    private let start: ContentSyncCookie?
    private var latest: ContentSyncCookie?
    private var isPresentPhaseOver = false

    /// - Parameter start: the cookie that the search began with; nil for everything.
    init(after start: ContentSyncCookie?) {
        self.start = start
    }

    /// What an event says about entries.
    mutating func events(_ event: LDAPSearchEvent) throws -> [FeedEvent] {
        switch event {
        case .reference: return []
        case .entry(let entry):
            guard let state = try ContentSyncState(entry) else { return [] }
            note(state.cookie)
            switch state.state {
            case .present: return [.listed(ListedEntry(uuid: state.entryUUID))]
            case .delete: return [.deleted(state.entryUUID)]
            case .add, .modify: return [.entry(state.entryUUID, entry)]
            }
        case .intermediate:
            switch try ContentSyncInfo(event) {
            case .idSet(let cookie, let refreshDeletes, let uuids):
                note(cookie)
                return uuids.map { refreshDeletes ? .deleted($0) : .listed(ListedEntry(uuid: $0)) }
            case .refreshPresent(let cookie, _):
                note(cookie)
                isPresentPhaseOver = true
            case .refreshDelete(let cookie, _): note(cookie)
            case .newCookie(let cookie): note(cookie)
            case nil: break
            }
            return []
        }
    }

    /// The search has ended in success.
    mutating func end(_ done: ContentSyncDone) -> FeedEnd {
        note(done.cookie)
        // Without a cookie the server sends everything there is, and slapd still says "refreshDeletes".
        let sawAll = start == nil || isPresentPhaseOver || !done.refreshDeletes
        // slapd gives none when nothing is new, and an empty one for a database that nothing has been written to.
        let cookie = latest.map { start?.merged(with: $0) ?? $0 } ?? start
        return FeedEnd(position: cookie.map { .contentSync(cookie: Data($0.bytes)) }, sawAll: sawAll)
    }

    private mutating func note(_ bytes: [UInt8]?) {
        guard let cookie = bytes.map({ ContentSyncCookie($0) }), !cookie.isEmpty else { return }
        latest = latest?.merged(with: cookie) ?? cookie
    }
}

/// One content synchronization search (refreshOnly).
actor ContentSyncFeed: ChangeFeed {
    private let source: DirectorySource
    private let search: WholeSearch
    /// Where the search goes on; nil if it is for everything.
    private let start: ContentSyncCookie?
    private var refresh: ContentSyncRefresh
    /// What has come and was not given yet: one message may name hundreds of entries.
    private var waiting: ArraySlice<LDAPSearchEvent> = []

    static let batchSize = 1_000
    /// Where changes are read, the first batch is small, so that the writing begins while the rest is still coming.
    private static let firstBatchSize = 250
    private var limit: Int

    /// - Parameter cookie: where to go on; nil for everything.
    init(_ source: DirectorySource, _ connection: LDAPConnection, after cookie: ContentSyncCookie?) throws {
        self.source = source
        start = cookie
        limit = cookie == nil ? Self.batchSize : Self.firstBatchSize
        refresh = ContentSyncRefresh(after: cookie)
        let request = ContentSyncRequest(mode: .refreshOnly, cookie: cookie?.bytes, reloadHint: false)
        let base = try source.base.string()
        search = WholeSearch(
            connection.search(
                base: base, filter: source.filter, attributes: source.access.mapping.exportAttributes,
                controls: [try request.control()]), base: base)
    }

    func next() async throws -> FeedBatch {
        do {
            if waiting.isEmpty {
                guard let told = try await search.next(limit: limit) else {
                    guard let result = await search.result, let done = try ContentSyncDone(result) else {
                        throw source.noContentSynchronization
                    }
                    return FeedBatch(events: [], end: refresh.end(done))
                }
                waiting = told[...]
            }
            var events: [FeedEvent] = []
            events.reserveCapacity(waiting.count)
            while events.count < limit, let event = waiting.popFirst() {
                events += try refresh.events(event)
            }
            limit = Self.batchSize
            return FeedBatch(events: events, end: nil)
        } catch LDAPResultCode.syncRefreshRequired where start != nil {
            throw RefreshRequired()
        } catch let error as LDAPError where error.code == .unwillingToPerform {
            // slapd's answer to a cookie from its future.
            guard let start else { throw error }
            throw try ReadingPlan.refused(start, by: error, base: source.base.string())
        } catch LDAPResultCode.unavailableCriticalExtension {
            throw source.noContentSynchronization
        }
    }
}
