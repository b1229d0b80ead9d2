extension Configuration {
    /// How incoming mail comes.
    public enum Inbox: Sendable, Equatable {
        /// A mail server hands it to a listening socket.
        case listener(Listener)
        /// A mail server delivers it to a maildir.
        case maildir(MaildirInbox)
        /// It lies in a mailbox that is looked at every so often.
        case imap(IMAPInbox)
        /// A mail server's pipe runs `interorg receive`.
        case pipe
    }

    /// A listening socket that a mail server hands change mail to.
    public struct Listener: Sendable, Equatable {
        /// What is spoken at the socket.
        public let delivery: Delivery
        /// The host name or IP address to listen at, IPv6 without brackets.
        public let host: String
        /// The port to listen at, 1 to 65535.
        public let port: Int
        /// What TLS is offered with; nil: it is not offered, because the socket is on the loopback interface, or because
        /// the file says `insecure: true`.
        public let tls: ClientCertificate?
        /// Whether mail is refused before TLS has begun; off the loopback interface the default is true.
        public let requiresTLS: Bool

        /// A protocol by which mail is handed in.
        public enum Delivery: String, Sendable, CaseIterable {
            /// LMTP (RFC 2033).
            case lmtp
            /// SMTP (RFC 5321).
            case smtp
        }
    }

    /// A maildir.
    public struct MaildirInbox: Sendable, Equatable {
        /// The absolute path of the folder that holds `new`, `cur` and `tmp`. It need not exist yet.
        public let path: String
        /// What becomes of mail that has been dealt with; default: kept for 7 days.
        public let processed: Processed

        /// What becomes of mail that has been dealt with.
        public enum Processed: Sendable, Equatable {
            /// It is deleted.
            case delete
            /// It stays in `cur` for so long; nil: for ever.
            case keep(Duration?)
        }

        /// What a file has that does not say what becomes of processed mail.
        public static let processedStandard = Processed.keep(.seconds(7 * 86_400))
    }

    /// A folder of an IMAP account.
    public struct IMAPInbox: Sendable, Equatable {
        /// A host name or an IP address, IPv6 without brackets.
        public let host: String
        /// The port; without one in the file 993 for `imaps`, 143 for `imap`.
        public let port: Int
        /// How the connection is protected: `plaintext` only on the loopback interface; never `localSocket` or `kerberos`.
        public let transportSecurity: TransportSecurity
        /// Who the service is to the server.
        public let credentials: Credentials
        /// The absolute path of a PEM file with the certificate authorities to trust; nil: the system's.
        public let caFile: String?
        /// The folder that mail is taken from; default `INBOX`.
        public let folder: String
        /// How often it is looked at; default one minute.
        public let every: Duration
        /// The folder that processed mail is moved to; nil: it is deleted.
        public let processedFolder: String?
        /// The folder that refused mail is moved to; default `Refused`.
        public let refusedFolder: String
    }
}
