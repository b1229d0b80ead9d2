import AddressBook
import Foundation

/// An organization and its label.
public struct Organization: Hashable, Sendable, Codable {
    public var id: OrganizationID
    public var name: String

    public init(id: OrganizationID, name: String) {
        self.id = id
        self.name = name
    }
}

/// Which request a message is, or answers. The nonce keeps anybody who has not seen the request from answering it.
public struct RequestID: Hashable, Sendable, Codable {
    public var number: Int64
    public var nonce: UUID

    public init(number: Int64, nonce: UUID) {
        self.number = number
        self.nonce = nonce
    }
}

/// Both streams' values of something.
public struct PerStream<Element> {
    public var hierarchy: Element
    public var contents: Element

    public init(hierarchy: Element, contents: Element) {
        self.hierarchy = hierarchy
        self.contents = contents
    }

    public subscript(stream: ChangeStream) -> Element {
        get {
            switch stream {
            case .hierarchy: hierarchy
            case .contents: contents
            }
        }
        // In place: a copy of a stream's lines for every line would take time by the square of their number.
        _modify {
            switch stream {
            case .hierarchy: yield &hierarchy
            case .contents: yield &contents
            }
        }
    }
}

extension PerStream: Sendable where Element: Sendable {}
extension PerStream: Equatable where Element: Equatable {}
extension PerStream: Hashable where Element: Hashable {}
extension PerStream: Codable where Element: Codable {}

/// The changes of one stream that a message carries: the newest change of every entry whose newest change is numbered
/// above `after` and up to `through`.
public struct ChangeRange: Hashable, Sendable, Codable {
    public var after: Int64
    public var through: Int64
    /// How many lines of the message it has.
    public var count: Int
    /// The full transfer that it is part of.
    public var generation: UUID?
    /// Contents only: the number up to which the hierarchy must have been imported before.
    public var needsHierarchy: Int64?
    /// At the end of a full transfer: what a receiver of all of it has now.
    public var end: End?
    /// What of the log the receiver may see: see ``View/version``.
    public var view: String?

    public struct End: Hashable, Sendable, Codable {
        public var count: Int
        /// `SetSummary.hash` of the entry IDs.
        public var hash: String

        public init(_ summary: SetSummary) {
            self.count = summary.count
            self.hash = summary.hash
        }
    }

    public init(
        after: Int64, through: Int64, count: Int = 0, generation: UUID? = nil, needsHierarchy: Int64? = nil,
        end: End? = nil, view: String? = nil
    ) {
        self.view = view
        self.after = after
        self.through = through
        self.count = count
        self.generation = generation
        self.needsHierarchy = needsHierarchy
        self.end = end
    }
}

/// What a side can do, so that organizations need not upgrade together.
public struct Capabilities: Hashable, Sendable, Codable {
    /// The format versions that it reads.
    public var versions: [Int]
    /// The content encryption that it can open, best first, in OpenSSL's names.
    public var ciphers: [String]

    public init(versions: [Int], ciphers: [String]) {
        self.versions = versions
        self.ciphers = ciphers
    }
}

/// What a log has of one organization, for the other side to compare.
public struct OrganizationSummary: Hashable, Sendable, Codable {
    public var organization: OrganizationID
    /// How many entries, in both streams.
    public var count: Int
    /// `SetSummary.hash` of their IDs with their digests.
    public var hash: String

    public init(_ organization: OrganizationID, _ summary: SetSummary) {
        self.organization = organization
        self.count = summary.count
        self.hash = summary.hash
    }
}

/// The first line of every message. A request and a reply say the same things of their senders: what I have of your
/// log, and what is new in mine.
public struct ExchangeHeader: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable {
        case request, reply
    }

    /// The version of the format.
    public static let version = 1

    public var interorg = Self.version
    public var kind: Kind
    public var from: Organization
    public var to: OrganizationID
    public var request: RequestID
    /// Messages of one request or reply are numbered from 1.
    public var part: Int
    public var isLast: Bool
    /// How far the sender has received the recipient's log; null for a stream of which it
    /// has nothing.
    public var have: PerStream<ReceivedPosition?>
    /// The sender's log.
    public var line: IncarnationLine
    /// The parts of the sender's log that follow.
    public var ranges: PerStream<ChangeRange?>
    /// The labels of the organizations whose entries follow.
    public var organizations: [Organization]
    public var capabilities: Capabilities?
    /// In a reply that carries nothing else: the master does not know this incarnation, and believes in it when the next
    /// request gives the challenge back as `challengeAnswer`.
    public var challenge: UUID?
    public var challengeAnswer: UUID?
    /// In a request: the newest life of the master's log that the requestor has heard of: what it says is newer than that.
    public var heard: UUID?
    /// In a request: for how many seconds from its receipt it stands. Until then, or until the next request, it is
    /// answered whenever there is something new.
    public var standing: Int?
    /// In the last message of a request or reply: what its sender's log has now of each organization that the other side
    /// may see, so that silent divergence is found.
    public var summaries: [OrganizationSummary]?

    public init(
        kind: Kind, from: Organization, to: OrganizationID, request: RequestID, part: Int = 1, isLast: Bool = false,
        have: PerStream<ReceivedPosition?>, line: IncarnationLine,
        ranges: PerStream<ChangeRange?> = PerStream(hierarchy: nil, contents: nil), organizations: [Organization]
    ) {
        self.kind = kind
        self.from = from
        self.to = to
        self.request = request
        self.part = part
        self.isLast = isLast
        self.have = have
        self.line = line
        self.ranges = ranges
        self.organizations = organizations
    }
}
