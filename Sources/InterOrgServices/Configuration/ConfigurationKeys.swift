/// The keys of one kind of section. The enumeration is the only list of them: a section accepts its cases and nothing
/// else.
protocol ConfigurationKey: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// Keys of the documented format that are not understood yet, with what to do instead.
    static var comingLater: [String: String] { get }
}

extension ConfigurationKey {
    static var comingLater: [String: String] { [:] }
}

enum RootKey: String, ConfigurationKey {
    case organization, organizationID, role, state, directory, exchange, schedule
    case `guard`
    case messageBytes
}

enum DirectoryKey: String, ConfigurationKey {
    case url, startTLS, insecure, caFile, certificate, key, bind, export
    case `import`
    case mapping, changes, audit
}

enum BindKey: String, ConfigurationKey {
    case dn, mechanism, user, passwordFile, passwordEnvironment, principal, keytab, credentialCache
}

enum ExportKey: String, ConfigurationKey {
    case base, filter
}

enum ImportKey: String, ConfigurationKey {
    case base
}

enum ExchangeKey: String, ConfigurationKey {
    case insecure, address, master, requestors, smtp, inbox

    static let comingLater = ["identity": "mail is neither signed nor encrypted yet; leave this key out"]
}

enum MasterKey: String, ConfigurationKey {
    case organization, organizationID, address

    static let comingLater = ["certificate": "mail is neither signed nor encrypted yet; leave this key out"]
}

enum RequestorKey: String, ConfigurationKey {
    case organization, organizationID, address, smtp

    static let comingLater = MasterKey.comingLater
}

enum SMTPKey: String, ConfigurationKey {
    case url, user, passwordFile, passwordEnvironment, insecure
}

enum InboxKey: String, ConfigurationKey {
    case lmtp, smtp

    static let comingLater = [
        "maildir": "use \"lmtp\" or \"smtp\"", "imap": "use \"lmtp\" or \"smtp\"",
    ]
}

enum ScheduleKey: String, ConfigurationKey {
    case every, at, continuous
}

enum GuardKey: String, ConfigurationKey {
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
        "exchange": names(of: ExchangeKey.self),
        "exchange.master": names(of: MasterKey.self),
        "exchange.requestors[]": names(of: RequestorKey.self),
        "exchange.requestors[].smtp": names(of: SMTPKey.self),
        "exchange.smtp": names(of: SMTPKey.self),
        "exchange.inbox": names(of: InboxKey.self),
        "schedule": names(of: ScheduleKey.self),
        "guard": names(of: GuardKey.self),
    ]

    private static func names<Key: ConfigurationKey>(of keys: Key.Type) -> [String] {
        keys.allCases.map(\.rawValue)
    }
}
