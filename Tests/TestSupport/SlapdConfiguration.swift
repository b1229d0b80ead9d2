import Foundation

/// What a private slapd is to be like. In its lines, `{folder}` is the server's own folder.
public struct SlapdConfiguration: Sendable {
    /// How clients can speak TLS to the server.
    public struct TLS: Sendable {
        /// The subject alternative names of the server's certificate, as openssl writes them.
        public var names: [String]
        /// GnuTLS priorities for the server; nil for its own.
        public var cipherSuite: String?
        /// The common names of clients that get a certificate of the same CA: `<name>.crt` and `<name>.key` in the
        /// server's folder.
        public var clients: [String]

        /// TLS with a certificate for these names, signed by a CA made for this server.
        public init(
            names: [String] = ["DNS:localhost", "IP:127.0.0.1"], cipherSuite: String? = nil, clients: [String] = []
        ) {
            self.names = names
            self.cipherSuite = cipherSuite
            self.clients = clients
        }
    }

    /// The one database's suffix; it begins with a `dc`.
    public var suffix: String
    /// Whether content synchronization (the syncprov overlay) is loaded.
    public var hasSyncProvider: Bool
    /// How many writes syncprov's session log holds; 0 for none.
    public var sessionLogSize: Int
    /// Lines of slapd.conf inside syncprov's part.
    public var syncProviderLines: [String] = []
    /// Files of schema after core, cosine and inetorgperson.
    public var schemaFiles: [String]
    /// Lines of slapd.conf before the database.
    public var globalLines: [String]
    /// Lines of slapd.conf inside the database, after the built-in ones and before the overlays' own.
    public var databaseLines: [String]
    /// Whether writes are flushed to the disk before they are answered. Off: faster, and only a crash of the whole
    /// machine loses anything.
    public var isDurable: Bool
    /// Whether a socket for ldapi is made.
    public var hasLDAPI: Bool
    /// TLS, if it is spoken.
    public var tls: TLS?
    /// slapd's `-d` levels; the log is kept in a file. `stats` shows every request.
    public var logLevel: String
    /// What the server has in its environment besides what this process has.
    public var environment: [String: String]
    /// What the database holds at first; nil for the suffix's entry and `ou=people` below it.
    public var initialLDIF: String?

    /// A server for `dc=example` with content synchronization and nothing else.
    public init(
        suffix: String = "dc=example",
        hasSyncProvider: Bool = true,
        sessionLogSize: Int = 0,
        schemaFiles: [String] = [],
        globalLines: [String] = [],
        databaseLines: [String] = [],
        isDurable: Bool = false,
        hasLDAPI: Bool = false,
        tls: TLS? = nil,
        logLevel: String = "0",
        environment: [String: String] = [:],
        initialLDIF: String? = nil
    ) {
        self.suffix = suffix
        self.hasSyncProvider = hasSyncProvider
        self.sessionLogSize = sessionLogSize
        self.schemaFiles = schemaFiles
        self.globalLines = globalLines
        self.databaseLines = databaseLines
        self.isDurable = isDurable
        self.hasLDAPI = hasLDAPI
        self.tls = tls
        self.logLevel = logLevel
        self.environment = environment
        self.initialLDIF = initialLDIF
    }

    /// The DN of the administrator.
    public var rootDN: String { "cn=admin,\(suffix)" }
    /// The administrator's password.
    public var rootPassword: String { "admin-secret" }
    /// The container that the initial LDIF makes.
    public var peopleDN: String { "ou=people,\(suffix)" }

    var defaultLDIF: String {
        let name = suffix.prefix { $0 != "," }.dropFirst("dc=".count)
        return """
            dn: \(suffix)
            objectClass: organization
            objectClass: dcObject
            o: \(name)
            dc: \(name)

            dn: \(peopleDN)
            objectClass: organizationalUnit
            ou: people

            """
    }

    /// The text of slapd.conf for a server in a folder.
    func file(folder: String) -> String {
        let schemas = ["core", "cosine", "inetorgperson"].map { "/etc/ldap/schema/\($0).schema" } + schemaFiles
        var lines = schemas.map { "include \($0)" }
        lines += ["modulepath /usr/lib/ldap", "moduleload back_mdb", "sizelimit unlimited", "threads 4"]
        if hasSyncProvider { lines.append("moduleload syncprov") }
        if let tls {
            lines += [
                "TLSCACertificateFile \(folder)/ca.crt",
                "TLSCertificateFile \(folder)/server.crt",
                "TLSCertificateKeyFile \(folder)/server.key",
            ]
            if let cipherSuite = tls.cipherSuite { lines.append("TLSCipherSuite \(cipherSuite)") }
        }
        lines += globalLines
        lines += [
            "database mdb", "suffix \"\(suffix)\"", "rootdn \"\(rootDN)\"", "rootpw \(rootPassword)",
            "directory \(folder)/data", "maxsize 1073741824", "index objectClass,entryUUID,entryCSN eq",
        ]
        if !isDurable { lines.append("envflags nosync") }
        lines += databaseLines
        if hasSyncProvider {
            lines.append("overlay syncprov")
            if sessionLogSize > 0 { lines.append("syncprov-sessionlog \(sessionLogSize)") }
            lines += syncProviderLines
        }
        return (lines.joined(separator: "\n") + "\n").replacingOccurrences(of: "{folder}", with: folder)
    }
}
