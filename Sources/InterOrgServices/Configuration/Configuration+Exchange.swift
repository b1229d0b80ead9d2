extension Configuration {
    /// The mail side of an organization.
    public struct Exchange: Sendable, Equatable {
        /// The address that this organization sends from and receives change mail at.
        public let address: String
        /// The submission server for outgoing mail.
        public let smtp: SMTP
        /// Where incoming mail is handed in.
        public let inbox: Inbox

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

    /// A listening socket that a mail server hands change mail to.
    public struct Inbox: Sendable, Equatable {
        /// What is spoken at the socket.
        public let delivery: Delivery
        /// The host name or IP address to listen at, IPv6 without brackets.
        public let host: String
        /// The port to listen at, 1 to 65535.
        public let port: Int

        /// A protocol by which mail is handed in.
        public enum Delivery: String, Sendable, CaseIterable {
            /// LMTP (RFC 2033).
            case lmtp
            /// SMTP (RFC 5321).
            case smtp
        }
    }
}
