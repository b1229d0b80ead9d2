extension Configuration {
    /// The mail side of an organization.
    public struct Exchange: Sendable, Equatable {
        /// The address that this organization sends from and receives change mail at.
        public let address: String
        /// The submission server for outgoing mail.
        public let smtp: SMTP
        /// How incoming mail comes.
        public let inbox: Inbox
        /// How mail is protected.
        public let protection: MailProtection

        /// The submission server to use for mail to a peer: its own, where it has one.
        public func smtp(for peer: Peer) -> SMTP {
            peer.smtp ?? smtp
        }
    }

    /// A mail submission server (RFC 6409).
    public struct SMTP: Sendable, Equatable {
        /// A host name or an IP address, IPv6 without brackets.
        public let host: String
        /// The port; without one in the file 587 for `smtp`, 465 for `smtps` (RFC 8314).
        public let port: Int
        /// How the connection is protected; never `localSocket`.
        public let transportSecurity: TransportSecurity
        /// The certificates (PEM) to trust instead of those of the machine, as an absolute path; nil: the machine's.
        public let caFile: String?
        /// Who the service is to the server; nil: nobody, no authentication.
        public let credentials: Credentials?

        /// The server as a URL, always with its port and never with credentials.
        public var url: String {
            let scheme = transportSecurity == .tls ? "smtps" : "smtp"
            return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }

    /// A user and a password.
    public struct Credentials: Sendable, Equatable {
        /// The user's name.
        public let user: String
        /// The user's password; never empty.
        public let password: Secret
    }
}
