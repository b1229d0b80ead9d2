import DirectoryMapping
import LDAPClient

/// Whether a directory is written in transactions (RFC 5805).
public enum TransactionUse: String, Sendable, CaseIterable {
    /// Never: a transaction holds up other writers, and one operation refused is all of them.
    case never
    /// For batches that are large, if the server has transactions and no access log (slapo-accesslog).
    case auto
}

/// How entries of other organizations are written into a directory.
public struct ImportRules: Sendable {
    /// They live below it, and nothing else of the directory is ever written.
    public var base: LDAPDN
    public var placement: PlacementTemplate
    /// The attribute by which an entry that is there already, below the base, is taken for the one to be added: both have
    /// a value in common. Nil: no entry is adopted.
    public var adoption: String?
    public var transactions: TransactionUse

    public init(
        base: LDAPDN, placement: PlacementTemplate = .mirroring, adoption: String? = nil,
        transactions: TransactionUse = .never
    ) {
        self.base = base
        self.placement = placement
        self.adoption = adoption
        self.transactions = transactions
    }
}
