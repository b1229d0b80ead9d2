import AddressBook

/// What became of one change.
public enum Outcome: Hashable, Sendable {
    /// The destination has it now; where, if the destination has places.
    case imported(Placement?)
    /// The destination had it already.
    case unchanged(Placement?)
    /// The destination has it, but not all of it yet; it is tried again every time.
    case incomplete(Placement?, reason: String, answer: ServerAnswer? = nil)
    /// The destination does not take it, and why; tried again after a while.
    case refused(reason: String, answer: ServerAnswer? = nil)
    /// Something else has to come first (its container, say); tried again every time.
    case waiting(reason: String, answer: ServerAnswer? = nil)
}

extension Outcome {
    /// The same, but the entry stands elsewhere by now.
    public func mapPlacement(_ transform: (Placement) -> Placement) -> Outcome {
        switch self {
        case .imported(let placement): .imported(placement.map(transform))
        case .unchanged(let placement): .unchanged(placement.map(transform))
        case .incomplete(let placement, let reason, let answer):
            .incomplete(placement.map(transform), reason: reason, answer: answer)
        case .refused, .waiting: self
        }
    }
}

/// What the server of a destination said when it refused an operation.
public struct ServerAnswer: Hashable, Sendable, Codable {
    /// `add`, `modify`, `rename`, `delete` or another of LDAP's.
    public var operation: String
    /// What it was done to.
    public var dn: String
    /// RFC 4511, appendix A.
    public var resultCode: Int
    public var message: String

    public init(operation: String, dn: String, resultCode: Int, message: String) {
        self.operation = operation
        self.dn = dn
        self.resultCode = resultCode
        self.message = message
    }
}

/// A change that a collector is asked to import.
public struct OfferedChange: Hashable, Sendable {
    public var change: Change
    /// Its number in the log that it comes from; nil if it does not come from one.
    public var number: Int64?
    /// Where the entry stands in the destination, as far as this synchronization knows.
    public var place: Place?

    public init(_ change: Change, number: Int64? = nil, place: Place? = nil) {
        self.change = change
        self.number = number
        self.place = place
    }

    public var id: EntryID { change.id }
}

/// Where an entry stands in the destination.
///
/// Where two entries want one place, the one with the lower ID has it: placement is a function of the entries that there
/// are, not of the order in which they came. While they come, the first one has it; at the end of a synchronization the
/// collector puts right what is not so.
public struct Placement: Hashable, Sendable {
    public var place: Place
    /// The place that it would have if no other entry had that; nil if it stands where it belongs.
    public var wanted: Place?

    public init(_ place: Place, wanted: Place? = nil) {
        self.place = place
        self.wanted = wanted
    }

    /// The placement after a container above it has moved; the same if the container is not above it.
    public func moved(from old: Place, to new: Place) -> Placement {
        Placement(place.moved(from: old, to: new), wanted: wanted?.moved(from: old, to: new))
    }
}

/// One outcome per change, in the order of the changes, and what the collector's own store has to record.
public struct ImportResult: Sendable {
    public var outcomes: [Outcome]
    /// Entries that stand elsewhere now although nothing has changed in them: see ``Placement/wanted``.
    public var moved: [EntryID: Placement]
    /// Changes that become part of the log of the store, with the step that records their outcome.
    public var appended: [Change]
    /// Sealed messages for a remote site, likewise.
    public var posted: [OutgoingMessage]

    public init(
        outcomes: [Outcome], moved: [EntryID: Placement] = [:], appended: [Change] = [],
        posted: [OutgoingMessage] = []
    ) {
        self.outcomes = outcomes
        self.moved = moved
        self.appended = appended
        self.posted = posted
    }
}

/// A message that waits for its transport.
public struct OutgoingMessage: Hashable, Sendable {
    /// Whom it is for.
    public var recipient: OrganizationID
    /// The number of the request that it is or answers: a newer one makes the older needless.
    public var request: Int64
    /// The first of its request or reply: what waits of an earlier attempt is needless, too.
    public var isFirst: Bool
    public var payload: [UInt8]

    public init(recipient: OrganizationID, request: Int64, isFirst: Bool = false, payload: [UInt8]) {
        self.isFirst = isFirst
        self.recipient = recipient
        self.request = request
        self.payload = payload
    }
}

/// How the entries of others in a destination differ from those that the states know: after a state, or the destination,
/// was restored from a backup.
public struct DestinationSurvey: Sendable {
    /// Where those stand that no state knows.
    public var unknown: [EntryID: Place]
    /// Whether some that should be there are not.
    public var lacksEntries: Bool

    public init(unknown: [EntryID: Place] = [:], lacksEntries: Bool = false) {
        self.unknown = unknown
        self.lacksEntries = lacksEntries
    }

    /// Whether all is as the states say, as far as that can be seen.
    public var isAsKnown: Bool { unknown.isEmpty && !lacksEntries }
}

/// The writing side of a store: imports a batch and reports one outcome per change.
///
/// Imports are idempotent: after an interruption the same batch comes again. What has been imported may be committed only
/// while the next batch is being imported; a collector whose imports depend on each other remembers it until then. An error means that the destination as a
/// whole could not be used; the batch stays where it was.
public protocol Collector: Sendable {
    func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult

    /// What has been read while another batch is being imported, and most likely comes next. What can be prepared of it
    /// beforehand may be; nothing is to be written, and nothing may depend on it.
    func foresee(_ observations: [Observation]) async

    /// What was foreseen does not come: the reading has ended early.
    func forgetForeseen() async

    /// Looks through the destination for what the states do not know.
    func survey() async throws -> DestinationSurvey

    /// The source has no more for now: what the collector has gathered is recorded. Called again while it moves entries.
    func finish() async throws -> ImportResult
}

extension Collector {
    public func foresee(_ observations: [Observation]) async {}

    public func forgetForeseen() async {}

    public func survey() async throws -> DestinationSurvey { DestinationSurvey() }

    public func finish() async throws -> ImportResult { ImportResult(outcomes: []) }
}
