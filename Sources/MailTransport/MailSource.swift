/// A way on which mail comes to this service: a listener that mail servers hand it to, or a mailbox that it waits in.
///
/// All of them do the same: they hand each mail to a `MailIntake`, which makes it durable, and then have no more to do
/// with it; except that a mailbox keeps a mail until it has been dealt with, and then puts it away.
public protocol MailSource: Sendable {
    /// What it is, in words for people, such as `the maildir /var/mail/interorg`. Its mails are remembered under it.
    var name: String { get }

    /// Looks whether mail can come this way, and takes none.
    ///
    /// - Throws: what is wrong, in words for people.
    func check() async throws

    /// Brings mail until the task is cancelled. What can pass by itself is reported to the intake and tried again.
    ///
    /// - Throws: what keeps mail from ever coming: a port that is taken, for instance.
    func run(_ intake: any MailIntake) async throws
}

/// A mail that has come.
public struct IncomingMail: Sendable {
    /// The envelope sender; empty for bounces. Nil if the source does not know it, and the mail itself has to say.
    public var sender: String?
    /// The whole mail; lines end with CRLF or LF.
    public var bytes: [UInt8]
    /// What its mailbox calls it: the same as long as it is in there, and never given to another one. Nil if the mail
    /// stays nowhere.
    public var key: String?

    public init(sender: String?, bytes: [UInt8], key: String? = nil) {
        self.sender = sender
        self.bytes = bytes
        self.key = key
    }
}

/// A mail of a mailbox that has been dealt with, and is to be put away.
public struct SettledMail: Sendable, Equatable {
    public var key: String
    /// Whether it was of no use.
    public var isRefused: Bool

    public init(key: String, isRefused: Bool) {
        self.key = key
        self.isRefused = isRefused
    }
}

/// Where a source hands its mail in. It remembers, as durably as the mail itself, which mails of a mailbox it has.
public protocol MailIntake: Sendable {
    /// The largest mail that is taken, in bytes.
    var mailBytesMax: Int { get }

    /// Takes a mail: when it returns, the mail is durable.
    ///
    /// - Throws: `MailRefusal` if it will never take it, `MailStorageFull` if it has no room now, any other error if it
    ///   cannot store it now.
    func take(_ mail: IncomingMail) async throws

    /// Refuses a mail that its mailbox cannot even hand in.
    func refuse(_ key: String, sender: String, reason: String) async throws

    /// Those of the keys whose mails have been taken before.
    func known(among keys: Set<String>) async throws -> Set<String>

    /// What is to be put away.
    func settled() async throws -> [SettledMail]

    /// A mail has been put away. One that its mailbox still shows is remembered.
    func putAway(_ key: String, isVisible: Bool) async throws

    /// The mails that have been put away and were still to be seen then.
    func kept() async throws -> Set<String>

    /// Something may have been settled; for one task at a time.
    var settlements: AsyncStream<Void> { get }

    /// Says what keeps mail from coming, once as long as it is the same; nil: it comes again.
    func report(_ failure: String?) async
}

/// There is no room for a mail now; it is to come again later.
public struct MailStorageFull: Error, Sendable, CustomStringConvertible {
    /// Why, for the administrator at the other side too.
    public let reason: String

    public var description: String { "there is no room for the mail: \(reason)" }

    public init(reason: String) {
        self.reason = reason
    }
}
