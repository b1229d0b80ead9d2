import DirectoryMapping

extension Configuration {
    /// The directory that an organization exports from and imports into.
    public struct Directory: Sendable, Equatable {
        /// An LDAP URL (RFC 4516) of scheme, host and port only, fit for `ldap_initialize`.
        public let url: String
        /// How the connection is protected.
        public let transportSecurity: TransportSecurity
        /// The absolute path of a PEM file with the certificate authorities to trust; nil: the system's.
        public let caFile: String?
        /// Who the service is to the directory.
        public let bind: Bind
        /// What travels to the other organizations. No base is equal to, inside or around another one; empty: this
        /// organization only receives.
        public let exports: [Export]
        /// The DN below which the entries of the other organizations live; nil: this organization only sends.
        /// No export base is equal to it or inside it.
        public let importBase: String?
        /// How directory entries become address-book entries, and back.
        public let mapping: Mapping
    }

    /// An authentication to a directory (RFC 4513).
    public enum Bind: Sendable, Equatable {
        /// None: the file says `bind: anonymous`, or the directory is reached by `ldapi` and the file has no `bind`.
        case anonymous
        /// A simple bind of a DN with a password that is not empty.
        case simple(dn: String, password: Secret)
    }

    /// A part of a directory that is exported.
    public struct Export: Sendable, Equatable {
        /// The DN of the subtree.
        public let base: String
        /// An LDAP filter (RFC 4515) that entries must match besides being address-book entries; nil: none.
        public let filter: String?
    }
}
