import AddressBook
import Foundation

/// How far a source has been read. Opaque to everybody but the source that made it.
public struct Cursor: Hashable, Sendable {
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }
}

/// One pass over everything that a source holds. Entries seen in it are marked with its ID, so that what is missing at
/// its successful end is known, and only then.
public struct RefreshID: Hashable, Sendable, Codable {
    public var uuid: UUID

    public init(_ uuid: UUID) {
        self.uuid = uuid
    }
}

/// One thing that a source says about one entry.
public struct Observation: Sendable {
    public enum Content: Sendable {
        case change(Change)
        /// The entry is there as it was.
        case present(EntryID)
        /// The source does not show the entry. If it did before, it is gone; otherwise it was never there.
        case absent(EntryID)
    }

    public var content: Content
    /// Where the entry stands in the source's store, if the store has places (a directory's DN).
    public var place: Place?
    /// The UUID that the source's store gives the entry now, where that is not the one of its entry ID.
    public var replacedBy: UUID?
    /// What the entry's content depends on besides itself, as it was when the entry was read; one for each place.
    public var references: [ResolvedReference]
    /// The change's number, if the source is a log.
    public var number: Int64?

    public init(
        _ content: Content, place: Place? = nil, replacedBy: UUID? = nil, references: [ResolvedReference] = [],
        number: Int64? = nil
    ) {
        self.content = content
        self.number = number
        self.place = place
        self.replacedBy = replacedBy
        self.references = references
    }

    public var id: EntryID {
        switch content {
        case .change(let change): change.id
        case .present(let id), .absent(let id): id
        }
    }
}

/// Where an entry stands in a store that has places: a directory's DN.
public struct Place: Hashable, Sendable {
    /// The same for every way of writing the place.
    public var key: String
    /// The place as the store writes it.
    public var text: String

    public init(key: String, text: String) {
        self.key = key
        self.text = text
    }

    /// The place after a container above it has moved; the same if the container is not above it.
    public func moved(from old: Place, to new: Place) -> Place {
        guard key.hasSuffix("," + old.key) else { return self }
        return Place(key: key.dropLast(old.key.count) + new.key, text: text.dropLast(old.text.count) + new.text)
    }
}

/// Another entry that an entry's content was made from: the place that it names and what was found there.
public struct ResolvedReference: Hashable, Sendable {
    /// The key of the place.
    public var place: String
    /// Nil: nothing known is at that place.
    public var found: KnownEntry?
    /// Whether the content shows what a person would call the other entry, or only which one it is.
    public var showsLabel: Bool

    public init(place: String, found: KnownEntry?, showsLabel: Bool = true) {
        self.place = place
        self.found = found
        self.showsLabel = showsLabel
    }
}

/// An entry that a state knows, and what a person would call it.
public struct KnownEntry: Hashable, Sendable {
    public var id: EntryID
    public var label: String

    public init(id: EntryID, label: String) {
        self.id = id
        self.label = label
    }
}

/// Observations that are imported and committed together.
public struct ChangeBatch: Sendable {
    public var observations: [Observation]
    /// The cursor that follows the batch; nil while the source can give none yet.
    public var cursor: Cursor?
    /// The refresh that the observations belong to; nil outside one.
    public var refresh: RefreshID?
    /// The refresh is complete and successful: what is known but was not seen in it is gone.
    public var completesRefresh: Bool
    /// The refresh is of everything that others have for the destination: what it has of anybody and the source has not
    /// shown is gone, even if the state does not know of it.
    public var coversEverything: Bool
    /// The next batch may be asked for while this one is being imported, and imported while this one is being
    /// committed.
    public var allowsReadingAhead: Bool

    public init(
        observations: [Observation], cursor: Cursor? = nil, refresh: RefreshID? = nil, completesRefresh: Bool = false,
        coversEverything: Bool = false, allowsReadingAhead: Bool = false
    ) {
        self.coversEverything = coversEverything
        self.observations = observations
        self.cursor = cursor
        self.refresh = refresh
        self.completesRefresh = completesRefresh
        self.allowsReadingAhead = allowsReadingAhead
    }
}

/// The reading side of a store: changes since a cursor, in batches, each with the cursor that follows it.
public protocol ChangeSource: Sendable {
    /// Begins to read after the cursor; nil means from the beginning.
    func read(after cursor: Cursor?) async throws -> any ChangeReader
}

/// One reading of a source. A batch is asked for when everything before it has been committed, or, if the one before
/// it allows that, while that one is being imported.
///
/// An error says that the reading is incomplete: what arrived may be used, and nothing may be concluded from what did
/// not.
public protocol ChangeReader: Sendable {
    func next() async throws -> ChangeBatch?
}
