/// Where and how to connect.
public struct LDAPConnectionOptions: Sendable {
    /// What is asked of a server's certificate.
    public enum Verification: Sendable, Hashable {
        /// A valid chain to a trusted CA, and the name or address of the URL's host in the certificate.
        case full
        /// Nothing: the traffic is encrypted, and anyone may be the server. For tests and first looks only.
        case unverified
    }

    /// `ldap://host:port`, `ldaps://host:port` or `ldapi://` followed by the percent-encoded path of a socket.
    public var url: String
    /// Whether an `ldap` connection is changed to TLS before anything else is sent (RFC 4511, section 4.14).
    public var startTLS: Bool
    /// Who the client is.
    public var credentials: Credentials
    /// What the client shows in the TLS handshake; nil for nothing.
    public var clientCertificate: ClientCertificate?
    /// A PEM file with the CA certificates to trust; nil for those of the operating system.
    public var caFile: String?
    /// What is asked of the server's certificate.
    public var verification: Verification
    /// The longest wait for each step of connecting: the TCP connection, the TLS handshake, the bind.
    public var connectTimeout: Duration
    /// The longest wait for an operation's result. A search has it for each silence between two messages, unless it
    /// is persistent; time in which the consumer does not keep up is not counted.
    public var operationTimeout: Duration
    /// How many operations other than searches are on their way at once; more wait for their turn, but for those of a
    /// transaction. slapd works at half as many of a connection as it has threads (16 unless configured); of each one more it
    /// says in its log that it is put off, and it ends a connection that has more than 1,000 pending (100 if anonymous).
    public var operationsInFlightMax: Int

    /// Options for one server. Certificates are verified, TLS is 1.2 or newer.
    public init(
        url: String,
        startTLS: Bool = false,
        credentials: Credentials = .anonymous,
        clientCertificate: ClientCertificate? = nil,
        caFile: String? = nil,
        verification: Verification = .full,
        connectTimeout: Duration = .seconds(30),
        operationTimeout: Duration = .seconds(60),
        operationsInFlightMax: Int = 8
    ) {
        self.url = url
        self.startTLS = startTLS
        self.credentials = credentials
        self.clientCertificate = clientCertificate
        self.caFile = caFile
        self.verification = verification
        self.connectTimeout = connectTimeout
        self.operationTimeout = operationTimeout
        self.operationsInFlightMax = operationsInFlightMax
    }
}
