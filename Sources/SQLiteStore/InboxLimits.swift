/// How much mail may wait, so that what anybody can send has an end: in all, and of each sender, so that one who floods
/// keeps nobody else's mail out.
public struct InboxLimits: Hashable, Sendable {
    /// How many mails may wait.
    public var count: Int
    /// How many bytes they may have together.
    public var bytes: Int
    /// What mail of each known sender may take of it.
    public var ofKnownSender: Share
    /// What all mail of unknown senders may take of it together.
    public var ofOthers: Share

    /// A part of an inbox.
    public struct Share: Hashable, Sendable {
        /// How many mails.
        public var count: Int
        /// How many bytes together.
        public var bytes: Int

        init(count: Int, bytes: Int) {
            self.count = count
            self.bytes = bytes
        }

        /// What messages that wait for others may take of it: the rest is for those that they wait for.
        var parked: Share { Share(count: max(1, min(count / 2, 64)), bytes: bytes / 2) }
    }

    /// Limits of an inbox for so many known senders. Every share has room for two mails of the largest size.
    public init(knownSenders: Int = 1, mailBytesMax: Int = 16_000_000) {
        let senders = max(1, knownSenders)
        ofOthers = Share(count: 32, bytes: max(32_000_000, 2 * mailBytesMax))
        ofKnownSender = Share(count: max(32, 224 / senders), bytes: max(224_000_000 / senders, 2 * mailBytesMax))
        count = ofOthers.count + senders * ofKnownSender.count
        bytes = ofOthers.bytes + senders * ofKnownSender.bytes
    }
}

/// Whose part of the inbox a mail counts for.
public enum InboxShare: Hashable, Sendable {
    /// A sender that the configuration knows, by its address. The address is what the mail says: whoever forges it fills
    /// the share of that sender and of nobody else.
    case known(String)
    /// Everybody else.
    case others
    /// No share: only the inbox as a whole has a limit.
    case whole

    var name: String? {
        switch self {
        case .known(let address): address
        case .others: ""
        case .whole: nil
        }
    }
}

/// More mail has come than the service has dealt with.
public struct InboxFull: Error, CustomStringConvertible {
    public var count: Int
    public var bytes: Int
    /// Whose mails they are; nil: everybody's.
    public var sender: String?

    public var description: String {
        let whose = sender.map { $0.isEmpty ? " of unknown senders" : " of \($0)" } ?? ""
        return "\(count) mails\(whose) wait to be dealt with already, \(bytes) bytes in all"
    }
}

/// The disk has no room for what was to be stored.
public struct StoreFull: Error, CustomStringConvertible {
    public let description = "the disk is full"
}
