import DirectoryMapping
import Foundation
import LDAPClient

/// An ordinary search for all entries, page by page where the server can (RFC 2696). With the stamps of an earlier scan
/// only names and stamps are asked for, otherwise whole entries.
actor ScanFeed: ChangeFeed {
    private let source: DirectorySource
    private let connection: LDAPConnection
    private let base: String
    private let isPaged: Bool
    private let before: ChangeMarks?
    private let thresholds: ChangeMarks.Thresholds?
    private var marks = ChangeMarks()
    private var search: WholeSearch?

    private static let pageSize = 500

    /// - Parameters:
    ///   - base: where to start, inside the source's base.
    ///   - marks: what an earlier scan has seen; nil for everything.
    init(
        _ source: DirectorySource, _ connection: LDAPConnection, base: String, after marks: ChangeMarks?, isPaged: Bool
    ) {
        self.source = source
        self.connection = connection
        self.base = base
        self.isPaged = isPaged
        before = marks
        thresholds = marks?.thresholds
    }

    func next() async throws -> FeedBatch {
        let search = try self.search ?? start(pageCookie: [])
        self.search = search
        if let told = try await search.next(limit: Self.pageSize) {
            var events: [FeedEvent] = []
            for case .entry(let entry) in told { events.append(try event(entry)) }
            return FeedBatch(events: events, end: nil)
        }
        if isPaged, let result = await search.result, let page = try PagedResults(result), !page.cookie.isEmpty {
            self.search = try start(pageCookie: page.cookie)
            return FeedBatch(events: [], end: nil)
        }
        guard let before, marks.areSetBack(behind: before) else {
            return FeedBatch(events: [], end: FeedEnd(position: .scan(marks), sawAll: true))
        }
        // Until everything has been read, it is to be noticed again.
        return FeedBatch(events: [], end: FeedEnd(position: .scan(before), sawAll: true, isSetBack: true))
    }

    private func start(pageCookie: [UInt8]) throws -> WholeSearch {
        let attributes = thresholds == nil ? source.access.mapping.exportAttributes : ["entryUUID"]
        let controls = isPaged ? [try PagedResults(size: Self.pageSize, cookie: pageCookie).control()] : []
        return WholeSearch(
            connection.search(
                base: base, filter: source.filter, attributes: attributes + ChangeMarks.attributes, controls: controls),
            base: base)
    }

    private func event(_ entry: LDAPEntry) throws -> FeedEvent {
        guard let uuid = entry.text("entryUUID").flatMap({ UUID(uuidString: $0) }) else {
            throw DirectoryError(
                "read \(entry.dn): the server shows no entryUUID (RFC 4530), so nobody could tell who it is tomorrow",
                advice: "let the connector's identity read entryUUID")
        }
        marks.insert(entry)
        guard let thresholds else { return .entry(uuid, entry) }
        return .listed(ListedEntry(uuid: uuid, dn: entry.dn, mayHaveChanged: thresholds.mayHaveChanged(entry)))
    }
}
