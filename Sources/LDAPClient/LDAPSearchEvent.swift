/// How far below its base a search reaches (RFC 4511, section 4.5.1.2).
public enum LDAPScope: Int32, Sendable, Hashable {
    /// The base alone.
    case base = 0
    /// The entries directly below the base.
    case oneLevel = 1
    /// The base and all below it.
    case subtree = 2
    /// All below the base, without it (OpenLDAP's extension).
    case subordinate = 3
}

/// What a search returns, one by one.
public enum LDAPSearchEvent: Sendable, Hashable {
    /// An entry.
    case entry(LDAPEntry)
    /// A search continuation reference: URLs at which the search could go on (RFC 4511, section 4.5.3). It is never
    /// followed.
    case reference([String])
    /// An intermediate response (RFC 4511, section 4.13), such as a Sync Info message.
    case intermediate(oid: String, value: [UInt8]?, controls: [LDAPControl])
}
