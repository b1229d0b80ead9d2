/// An IMAP server, and who this service is to it.
public struct IMAPServer: Sendable {
    /// How the connection is protected.
    public enum Protection: Sendable, Equatable {
        /// TLS from the first byte (RFC 8314).
        case implicitTLS
        /// STARTTLS before anything else; without it nothing is said.
        case startTLS
        /// None: the server is on this machine, or the configuration says that this is accepted.
        case none
    }

    /// A host name or an IP address, IPv6 without brackets.
    public var host: String
    public var port: Int
    public var protection: Protection
    public var credentials: SMTPCredentials
    /// The certificates (PEM) to trust instead of those of the machine.
    public var certificateAuthorityFile: String?
    /// Seconds until the connection stands and the login is done.
    public var connectSeconds = 30
    /// Seconds for each answer.
    public var answerSeconds = 60

    public init(
        host: String, port: Int, protection: Protection, credentials: SMTPCredentials,
        certificateAuthorityFile: String? = nil
    ) {
        self.host = host
        self.port = port
        self.protection = protection
        self.credentials = credentials
        self.certificateAuthorityFile = certificateAuthorityFile
    }

    /// As it is shown: nothing in it is secret.
    public var url: String {
        let scheme = protection == .implicitTLS ? "imaps" : "imap"
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
