/// A mailbox that cannot be looked at, in words for people.
public struct MailboxError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    /// Whether it can pass by itself: a server that is away.
    public let isTransient: Bool

    init(_ description: String, isTransient: Bool = false) {
        self.description = description
        self.isTransient = isTransient
    }
}
