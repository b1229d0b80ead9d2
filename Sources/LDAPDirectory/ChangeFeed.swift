import Foundation
import LDAPClient

/// One thing that a search says about an entry.
enum FeedEvent: Equatable {
    /// The entry as it is now.
    case entry(UUID, LDAPEntry)
    /// It is there.
    case listed(ListedEntry)
    /// It is said to be gone.
    case deleted(UUID)
}

/// An entry that is there, without its attributes.
struct ListedEntry: Equatable {
    var uuid: UUID
    /// Where it stands, if that was said.
    var dn: String?
    /// Whether its attributes may have changed.
    var mayHaveChanged = false
}

/// What came of a search that has ended in success.
struct FeedEnd: Equatable {
    /// Where to go on; nil if the server has given nothing for that.
    var position: DirectoryCursor.Position?
    /// Everything that is there was mentioned.
    var sawAll: Bool
    /// The newest changes are older than those of before.
    var isSetBack = false
}

/// Some events and, with the last ones, the end.
struct FeedBatch {
    var events: [FeedEvent]
    var end: FeedEnd?
}

/// A search for what has changed, or for everything, read piece by piece. An error says that it is incomplete.
protocol ChangeFeed: Sendable {
    /// May not be called again after the end.
    func next() async throws -> FeedBatch
}

/// The server cannot go on from the position that it was given.
struct RefreshRequired: Error {}

/// A search that is read to its end, and has to be whole: where the server refers to another one for a part of it, what
/// is missing is not gone.
actor WholeSearch {
    private let search: LDAPSearch
    private let base: String
    private var iterator: LDAPSearch.Iterator
    private var references: [String] = []

    init(_ search: LDAPSearch, base: String) {
        self.search = search
        self.base = base
        iterator = search.makeAsyncIterator()
    }

    /// The server's result; nil until the end.
    var result: LDAPResult? { search.result }

    /// No more are read together than until they have come to this.
    private static let bytesMax = 4_000_000

    /// Up to so many events, fewer if they are large, none of them a reference; nil at the end.
    func next(limit: Int) async throws -> [LDAPSearchEvent]? {
        var events: [LDAPSearchEvent] = []
        events.reserveCapacity(limit)
        var bytes = 0
        while events.count < limit, bytes < Self.bytesMax {
            var reading = iterator
            let event = try await reading.next(isolation: self)
            iterator = reading
            guard let event else {
                if events.isEmpty { try requireAll() }
                return events.isEmpty ? nil : events
            }
            if case .reference(let urls) = event { references += urls } else { events.append(event) }
            if case .entry(let entry) = event { bytes += entry.valueBytes }
        }
        return events
    }

    private func requireAll() throws {
        guard let first = references.first else { return }
        throw DirectoryError(
            "read \(base): the server refers to \(first) for a part of it, so nothing can be concluded from what it does "
                + "not show",
            advice: "export that part from the server that holds it, and leave it out here")
    }
}

extension LDAPConnection {
    /// All that a search finds. For answers that fit into memory.
    ///
    /// - Parameter isWhole: whether it is an error that a part of the answer is on another server.
    func entries(base: String, filter: String, attributes: [String], isWhole: Bool) async throws -> [LDAPEntry] {
        guard isWhole else { return try await entries(base: base, filter: filter, attributes: attributes) }
        let search = WholeSearch(search(base: base, filter: filter, attributes: attributes), base: base)
        var entries: [LDAPEntry] = []
        while let events = try await search.next(limit: 1_000) {
            for case .entry(let entry) in events { entries.append(entry) }
        }
        return entries
    }
}
