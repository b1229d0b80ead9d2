import StrictYAML

enum RootKey: String, YAMLKey {
    case organization, organizationID, role, state, directory, exchange, schedule
    case `guard`
    case messageBytes
}

enum DirectoryKey: String, YAMLKey {
    case url, startTLS, insecure, caFile, certificate, key, bind, export
    case `import`
    case mapping, changes, audit
}

enum BindKey: String, YAMLKey {
    case dn, mechanism, user, passwordFile, passwordEnvironment, principal, keytab, credentialCache
}

enum ExportKey: String, YAMLKey {
    case base, filter
}

enum ImportKey: String, YAMLKey {
    case base, placement, adopt, transactions
}

enum MappingFileKey: String, YAMLKey {
    case file
}

enum ExchangeKey: String, YAMLKey {
    case insecure, address, identity, authority, master, requestors, smtp, inbox
}

enum IdentityKey: String, YAMLKey {
    case certificate, key
}

enum MasterKey: String, YAMLKey {
    case organization, organizationID, address, certificate, cipher
}

enum RequestorKey: String, YAMLKey {
    case organization, organizationID, address, certificate, cipher, smtp, receives, offers
}

enum SMTPKey: String, YAMLKey {
    case url, startTLS, insecure, caFile, user, passwordFile, passwordEnvironment
}

enum InboxKey: String, YAMLKey {
    case lmtp, smtp, maildir, imap, pipe
    case tls, requireTLS, insecure, processed

    /// Those of which an inbox has one.
    static let kinds: [InboxKey] = [.lmtp, .smtp, .maildir, .imap, .pipe]

    /// What else an inbox of a kind may have.
    var companions: [InboxKey] {
        switch self {
        case .lmtp, .smtp: [.tls, .requireTLS, .insecure]
        case .maildir: [.processed]
        default: []
        }
    }
}

enum InboxTLSKey: String, YAMLKey {
    case certificate, key
}

enum IMAPKey: String, YAMLKey {
    case url, user, passwordFile, passwordEnvironment, caFile, folder, every, processed, refused
}

enum ScheduleKey: String, YAMLKey {
    case every, at, continuous
}

enum GuardKey: String, YAMLKey {
    case count, percent
}

/// Every section of the format with its keys, as `key.path` (`[]` for the elements of a list) and key names.
enum ConfigurationFormat {
    static let keysBySection: [String: [String]] = [
        "": names(of: RootKey.self),
        "directory": names(of: DirectoryKey.self),
        "directory.bind": names(of: BindKey.self),
        "directory.export[]": names(of: ExportKey.self),
        "directory.import": names(of: ImportKey.self),
        "directory.mapping": names(of: MappingFileKey.self),
        "exchange": names(of: ExchangeKey.self),
        "exchange.identity": names(of: IdentityKey.self),
        "exchange.master": names(of: MasterKey.self),
        "exchange.requestors[]": names(of: RequestorKey.self),
        "exchange.requestors[].smtp": names(of: SMTPKey.self),
        "exchange.smtp": names(of: SMTPKey.self),
        "exchange.inbox": names(of: InboxKey.self),
        "exchange.inbox.tls": names(of: InboxTLSKey.self),
        "exchange.inbox.imap": names(of: IMAPKey.self),
        "schedule": names(of: ScheduleKey.self),
        "guard": names(of: GuardKey.self),
    ]

    private static func names<Key: YAMLKey>(of keys: Key.Type) -> [String] {
        keys.allCases.map(\.rawValue)
    }
}
