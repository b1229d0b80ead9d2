import Foundation
import MailTransport

/// One organization's part in the exchange, as its configuration file describes it.
///
/// A value of this type has passed every check that needs no server: all keys are known, all values in range, secrets
/// read, paths absolute. Whether the directory and the mail servers answer is found out when they are used.
public struct Configuration: Sendable, Equatable {
    /// The path of the file, as it was given.
    public let file: String
    /// The organization's name: unique in the exchange, and the `ou` its entries get in other directories.
    /// 1 to 64 Unicode scalars in normalization form C, without control characters, `/` and `\`.
    public let organization: String
    /// The organization's identity for ever; derived from the name where the file gives none.
    public let organizationID: UUID
    /// What this organization is in the exchange, with the organizations it exchanges mail with.
    public let role: Role
    /// The absolute path of the folder that holds the service's database. It need not exist yet.
    public let stateFolder: String
    /// The organization's own directory.
    public let directory: Directory
    /// How mail leaves and arrives.
    public let exchange: Exchange
    /// When synchronizations start.
    public let schedule: Schedule
    /// How much deletion is held for a person to look at.
    public let guardLimits: GuardLimits
    /// The greatest size of one encoded mail, in bytes.
    public let messageBytesMax: Int

    /// What an organization is in the exchange.
    public enum Role: Sendable, Equatable {
        /// Keeps the master database and answers the requestors, of which there may be none yet.
        case master(requestors: [Peer])
        /// Sends its changes to the master and asks for those of the others.
        case requestor(master: Peer)
    }

    /// Another organization, as this one knows it.
    public struct Peer: Sendable, Equatable {
        /// The peer's name, exactly as in the peer's own configuration.
        public let organization: String
        /// The peer's identity; derived from the name where the file gives none.
        public let organizationID: UUID
        /// The mail address that the peer receives change mail at.
        public let address: String
        /// The submission server for mail to this peer alone; nil: the one of the exchange.
        public let smtp: SMTP?
        /// The certificates that its mail is signed with, and that mail to it is encrypted to.
        public let certificates: TrustedCertificates
        /// How mail to it is encrypted; nil: as it says that it can decrypt.
        public let cipher: ContentCipher?
        /// The names of the organizations whose entries a requestor gets; nil: all others.
        public let receives: [String]?
        /// Whether the others get a requestor's entries.
        public let offers: Bool
    }

    /// How bytes to a server are protected on their way.
    public enum TransportSecurity: Sendable, Equatable {
        /// TLS from the first byte (`ldaps`, `smtps`).
        case tls
        /// A plain connection that must become a TLS one before anything else is said; if it cannot, it is closed.
        case startTLS
        /// A Unix domain socket (`ldapi`).
        case localSocket
        /// A plain connection that is signed and encrypted by what the bind with Kerberos agrees on.
        case kerberos
        /// No protection: the server is on the loopback interface, or the file says `insecure: true`.
        case plaintext
    }
}
