import LDAPClient

/// What is wrong with a directory as a whole: what was being done, to what, and what to try.
public struct DirectoryError: Error, CustomStringConvertible {
    public var description: String

    init(_ what: String, advice: String) {
        self.description = "\(what); \(advice)"
    }

    /// - Parameter referral: the answer to a write.
    init(readOnly referral: LDAPError) {
        self.init(
            "\(referral)", advice: "this server is a read-only copy; let directory.url name the one that it refers to")
    }
}
