import AddressBook
import Foundation

/// What has been exported of one entry.
public struct ExchangeRecord: Hashable, Sendable {
    public var id: EntryID
    /// The digest of what the destination has; nil if it has refused the entry so far.
    public var digest: EntryDigest?
    /// Where the entry stands in the source's store, if that is a directory.
    public var home: Place?
    /// Where it stands in the destination's, if that is one.
    public var place: Place?
    /// Where it would stand there if no other entry did.
    public var wanted: Place?
    /// What a person would call the entry.
    public var label: String?
    /// The UUID that the source's directory gives the entry now: it has been reloaded without its UUIDs since the entry
    /// got its ID. Nil: that of the ID.
    public var replacedBy: UUID?
    /// The fields that the destination has of the entry; nil if unknown.
    public var filled: FilledFields?

    public init(
        id: EntryID, digest: EntryDigest?, home: Place? = nil, place: Place? = nil, wanted: Place? = nil,
        label: String? = nil, replacedBy: UUID? = nil, filled: FilledFields? = nil
    ) {
        self.id = id
        self.digest = digest
        self.home = home
        self.place = place
        self.wanted = wanted
        self.label = label
        self.replacedBy = replacedBy
        self.filled = filled
    }
}

/// Everything that one step of a synchronization changes in its store. It is committed in one transaction.
public struct Step: Sendable {
    public var now: Date
    /// Nil leaves the cursor where it is.
    public var cursor: Cursor?
    public var refresh: RefreshID?
    /// Entries seen in `refresh` without a change.
    public var seen: [EntryID] = []
    /// New or changed records, seen in `refresh`.
    public var exchanged: [ExchangeRecord] = []
    public var references: [EntryID: [ResolvedReference]] = [:]
    /// Entries that the destination has deleted.
    public var deleted: [EntryID] = []
    /// Those of them that do not count as recent deletions: a person has let them go.
    public var uncounted: Set<EntryID> = []
    /// In how many entries a field was emptied, without a person's word.
    public var emptied: [OrganizationID: [Field: Int]] = [:]
    public var appended: [Change] = []
    public var posted: [OutgoingMessage] = []
    public var problems: [Problem] = []
    /// Entries whose problem has ended.
    public var solved: [EntryID] = []

    public init(now: Date) {
        self.now = now
    }
}

/// What has been exported by one synchronization: the cursor, and per entry its digest and place. Kept by the store,
/// shared by the store's collector and synchronizer.
public protocol SynchronizationState: Sendable {
    /// False where the destination itself says what it has (a remote site's position): everything read is passed on.
    var tracksEntries: Bool { get }

    func cursor() async throws -> Cursor?
    func records(_ ids: [EntryID]) async throws -> [EntryID: ExchangeRecord]
    func problems(_ ids: [EntryID]) async throws -> [EntryID: Problem]

    /// Problems whose next attempt has come, released deletions among them; oldest first.
    func dueProblems(now: Date, limit: Int) async throws -> [Problem]

    /// Entries that were not seen in a refresh and whose deletion is not a problem already.
    func unseen(in refresh: RefreshID, limit: Int) async throws -> [EntryID]
    /// How many those are, per organization.
    func unseenCounts(in refresh: RefreshID) async throws -> [OrganizationID: Int]
    /// What was seen in a refresh, refused entries included.
    func summary(seenIn refresh: RefreshID) async throws -> SetSummary

    /// How many entries of the organization the destination has.
    func entryCount(of organization: OrganizationID) async throws -> Int
    /// How many of them were deleted since then, without a person's word.
    func deletionCount(of organization: OrganizationID, since: Date) async throws -> Int

    /// In how many of them a field was emptied since then, without a person's word.
    func emptiedCounts(of organization: OrganizationID, since: Date) async throws -> [Field: Int]

    /// An entry that the destination has got belongs to this synchronization alone: where parts of one directory are read
    /// each for itself, it has moved here, and is not gone from there.
    func commit(_ step: Step) async throws
}
