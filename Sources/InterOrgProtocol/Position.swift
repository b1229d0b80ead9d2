import AddressBook
import Foundation

/// One life of a service: a random ID that every start appends to its log, with the first number given in it.
public struct Incarnation: Hashable, Sendable, Codable {
    public var id: UUID
    public var first: Int64

    public init(id: UUID, first: Int64) {
        self.id = id
        self.first = first
    }
}

/// A place in a log: all changes numbered up to `number`, as they were in this incarnation.
public struct LogPosition: Hashable, Sendable, Codable {
    public var incarnation: UUID
    public var number: Int64

    public init(incarnation: UUID, number: Int64) {
        self.incarnation = incarnation
        self.number = number
    }
}

/// The lives that a log has had, oldest first, and the highest number given. A restored backup lacks the lives that
/// came after it, so a position from one of them is noticed.
public struct IncarnationLine: Hashable, Sendable, Codable {
    /// So many, the newest, travel: more than these few hundred starts back, a position is not believed any more.
    public static let sentMax = 200

    public var incarnations: [Incarnation]
    public var highest: Int64
    /// Tombstones up to here may be gone; nil: all are there.
    public var purgedThrough: Int64?

    public init(incarnations: [Incarnation], highest: Int64, purgedThrough: Int64? = nil) {
        self.incarnations = incarnations
        self.highest = highest
        self.purgedThrough = purgedThrough
    }

    /// The life that the log is in; nil only for a log that was never opened.
    public var current: UUID? { incarnations.last?.id }

    /// Whether the log's history up to this position is the history that whoever holds the position has read.
    public func contains(_ position: LogPosition) -> Bool {
        guard let index = incarnations.firstIndex(where: { $0.id == position.incarnation }) else { return false }
        let next = incarnations.index(after: index)
        return next < incarnations.endIndex
            ? position.number < incarnations[next].first : position.number <= highest
    }

    /// Whether the log can go on from there, for a peer that may see this much of it. What was deleted since cannot be
    /// told any more once its tombstone is gone; a full transfer that is under way does without tombstones.
    public func continues(_ received: ReceivedPosition, view: String?) -> Bool {
        received.view == view && contains(received.position)
            && (received.generation != nil || received.position.number >= purgedThrough ?? 0)
    }
}

/// A full transfer of a log: what is missing from it at its end is gone.
public struct Generation: Hashable, Sendable, Codable {
    public var id: UUID
    /// The greatest highest number seen in a part of it: it cannot end before.
    public var highest: Int64

    public init(id: UUID, highest: Int64) {
        self.id = id
        self.highest = highest
    }
}

/// How far one stream of a peer's log has been received without a gap.
public struct ReceivedPosition: Hashable, Sendable, Codable {
    public var position: LogPosition
    /// The full transfer that is under way.
    public var generation: Generation?
    /// What of the log could be seen: see ``View/version``.
    public var view: String?

    public init(position: LogPosition, generation: Generation? = nil, view: String? = nil) {
        self.position = position
        self.generation = generation
        self.view = view
    }
}

/// Where the owner of a log goes on for a peer that has this position.
public struct Continuation: Hashable, Sendable {
    public var after: Int64
    /// Set when everything is sent anew or a full transfer goes on.
    public var generation: UUID?
    public var view: String?

    public init(after: Int64, generation: UUID?, view: String? = nil) {
        self.after = after
        self.generation = generation
        self.view = view
    }

    /// - Parameter newGeneration: the ID of a full transfer, in case one has to begin: at first contact, when the peer's
    ///   position is none that this log has had, when it may see something else now, and when tombstones are gone that it
    ///   would need.
    public init(
        from position: ReceivedPosition?, in line: IncarnationLine, view: String? = nil, newGeneration: UUID
    ) {
        self.view = view
        if let position, line.continues(position, view: view) {
            self.after = position.position.number
            self.generation = position.generation?.id
        } else {
            self.after = 0
            self.generation = newGeneration
        }
    }
}
