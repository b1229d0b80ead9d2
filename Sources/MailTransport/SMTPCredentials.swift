/// A user and a password for SMTP AUTH (RFC 4954). Printing one, or anything that contains one, never shows the password.
public struct SMTPCredentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name to log in with.
    public let user: String
    let password: String

    public var description: String { "\(user.forPeople) (password hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["user": user]) }

    /// Takes a user and a password as they are: whoever reads a password from a file takes off its last line break.
    public init(user: String, password: String) {
        self.user = user
        self.password = password
    }
}
