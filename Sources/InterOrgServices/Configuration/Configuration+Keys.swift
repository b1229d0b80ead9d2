import MailTransport

extension Configuration {
    /// How mail is protected on its way.
    public enum MailProtection: Sendable, Equatable {
        /// Not at all: the file says `insecure: true`.
        case insecure(Keys?)
        /// Signed and encrypted (S/MIME).
        case sealed(Keys)

        /// The keys that the file names; with `insecure: true` they are not used.
        public var keys: Keys? {
            switch self {
            case .insecure(let keys): keys
            case .sealed(let keys): keys
            }
        }
    }

    /// The organization's own key, and whom it believes about the certificates of others.
    public struct Keys: Sendable, Equatable {
        /// The absolute path of the PEM file with the organization's certificate.
        public let certificateFile: String
        /// The absolute path of the PEM file with the private key, which only its owner may read.
        public let keyFile: String
        /// What is in these files; nil only if the configuration was loaded before they were made.
        public let identity: MailIdentity?
        /// Authorities that may say whose mail address is whose; nil: only the certificates of the peers count.
        public let authority: TrustedCertificates?
    }

    /// The certificates of one or more PEM files.
    public struct TrustedCertificates: Sendable, Equatable {
        /// The absolute paths of the files.
        public let files: [String]
        /// Every certificate of them, each once.
        public let all: [Certificate]

        /// No file and no certificate.
        public static let none = TrustedCertificates(files: [], all: [])
    }
}

extension Configuration.Exchange {
    /// Whether mail is signed and encrypted.
    public var isSealed: Bool {
        if case .sealed = protection { return true }
        return false
    }
}
