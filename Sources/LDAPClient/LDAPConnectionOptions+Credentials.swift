extension LDAPConnectionOptions {
    /// Who the client is to the server (RFC 4513, section 5).
    public enum Credentials: Sendable {
        /// No bind at all: the server treats the connection as anonymous.
        case anonymous
        /// A simple bind. An empty password is refused before it is sent: servers take it for an anonymous bind.
        case simple(dn: String, password: LDAPPassword)
        /// SASL EXTERNAL (RFC 4422, appendix A): the identity is the process's user on ldapi, and the subject of
        /// ``LDAPConnectionOptions/clientCertificate`` on TLS.
        case external
        /// SASL SCRAM-SHA-256 (RFC 7677): the password itself is never sent, and the server has to prove that it knows it.
        case scramSHA256(user: String, password: LDAPPassword)
        /// SASL GSSAPI (RFC 4752), which is Kerberos. The server's principal is `ldap/<host of the URL>`. On TLS and
        /// ldapi it only authenticates; without them everything after the bind is signed and encrypted by it, or the
        /// bind fails.
        case gssapi(KerberosIdentity)
    }

    /// Where Kerberos credentials come from. What is not given comes from the environment of the process
    /// (`KRB5_CLIENT_KTNAME`, `KRB5CCNAME`) and from `krb5.conf`.
    public struct KerberosIdentity: Sendable, Hashable {
        /// Who the client is, such as `interorg@A.EXAMPLE`; nil for the first one that the keytab or the cache has.
        public var principal: String?
        /// A file with keys: tickets are fetched with it, and fetched again before they expire.
        public var keytab: String?
        /// A file with tickets that something else keeps fresh.
        public var credentialCache: String?

        /// An identity. Keytab and cache are alternatives.
        public init(principal: String? = nil, keytab: String? = nil, credentialCache: String? = nil) {
            self.principal = principal
            self.keytab = keytab
            self.credentialCache = credentialCache
        }
    }

    /// A certificate that the client shows to the server, and its key.
    public struct ClientCertificate: Sendable, Hashable {
        /// A PEM file with the certificate, followed by those of intermediate CAs if there are any.
        public var certificateFile: String
        /// A PEM file with the private key, not encrypted.
        public var keyFile: String

        /// A certificate and its key.
        public init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// Whether TLS or the machine itself keeps others from reading and changing what is sent.
    var isProtected: Bool { startTLS || hasScheme("ldaps") || hasScheme("ldapi") }

    /// Whether the URL begins with that scheme.
    func hasScheme(_ scheme: String) -> Bool { url.lowercased().hasPrefix("\(scheme):") }
}

extension LDAPConnectionOptions.Credentials {
    /// The same for the same identity, and without any secret: what a server shows depends on who asks.
    public var identity: String {
        switch self {
        case .anonymous: ""
        case .simple(let dn, _): dn
        case .external: "EXTERNAL"
        case .scramSHA256(let user, _): "SCRAM-SHA-256 \(user)"
        case .gssapi(let kerberos): "GSSAPI \(kerberos.principal ?? kerberos.keytab ?? kerberos.credentialCache ?? "")"
        }
    }
}
