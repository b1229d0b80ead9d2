import LDAPDirectory
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
        /// What the service shows the server when TLS begins; nil: nothing.
        public let clientCertificate: ClientCertificate?
        /// Who the service is to the directory.
        public let bind: Bind
        /// What travels to the other organizations. No base is equal to, inside or around another one; empty: this
        /// organization only receives.
        public let exports: [Export]
        /// How the entries of the other organizations are written; nil: this organization only sends.
        public let imports: Import?
        /// How directory entries become address-book entries, and back.
        public let mapping: Mapping
        /// How the server tells what has changed; default `auto`.
        public let changes: ChangeDetection
        /// How often everything is read and compared, from one second to 366 days; default one day.
        public let auditEvery: Duration
    }

    /// An authentication to a directory (RFC 4513).
    public enum Bind: Sendable, Equatable {
        /// None: the file says `bind: anonymous`, or the directory is reached by `ldapi` and the file has no `bind`.
        case anonymous
        /// A simple bind of a DN with a password that is not empty.
        case simple(dn: String, password: Secret)
        /// SASL EXTERNAL: on `ldapi` the user that the service runs as, with TLS the client certificate's subject.
        case external
        /// SASL SCRAM-SHA-256 with a password that is not empty.
        case scramSHA256(user: String, password: Secret)
        /// SASL GSSAPI (Kerberos), with a keytab or a credential cache, as absolute paths; neither: those that the
        /// environment of the process names. Without a principal the first one in it counts.
        case gssapi(principal: String?, keytab: String?, credentialCache: String?)
    }

    /// A certificate and its key: absolute paths of PEM files that could be read.
    public struct ClientCertificate: Sendable, Equatable {
        /// The certificate, with those of intermediate authorities after it.
        public let file: String
        /// The private key, not readable by everybody.
        public let keyFile: String
    }

    /// How a server tells what has changed.
    public enum ChangeDetection: String, Sendable, CaseIterable {
        /// By content synchronization where the server has it, else by the scan.
        case auto
        /// By content synchronization (RFC 4533) and in no other way.
        case contentSync
        /// All entries are listed with the stamps of their last change.
        case scan
    }

    /// How entries of other organizations are written into a directory.
    public struct Import: Sendable, Equatable {
        /// The DN below which they live. No export base is equal to it or inside it.
        public let base: String
        /// Where they stand below it; default ``PlacementTemplate/mirroring``.
        public let placement: PlacementTemplate
        /// The attribute by which entries that are there already are adopted; nil: none is. The mapping writes it.
        public let adoption: String?
        /// Whether large imports are written in transactions (RFC 5805); default `never`.
        public let transactions: TransactionUse
    }

    /// A part of a directory that is exported.
    public struct Export: Sendable, Equatable {
        /// The DN of the subtree.
        public let base: String
        /// An LDAP filter (RFC 4515) that entries must match besides being address-book entries; nil: none.
        public let filter: String?
    }
}
