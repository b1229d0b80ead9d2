import AddressBook
import DirectoryMapping
import Foundation
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

/// The files of this repository that the servers are started with.
enum Repository {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let schema = root + "/schemas/interorg.schema"

    static func fixture(_ name: String) throws -> String {
        try String(contentsOfFile: "\(root)/fixtures/\(name).ldif", encoding: .utf8)
    }
}

extension SlapdConfiguration {
    /// A directory for `dc=example` with our schema, `ou=people` and an import base.
    static func directory(
        sessionLogSize: Int = 0, hasSchema: Bool = true, globalLines: [String] = [], logLevel: String = "0",
        more: String = ""
    ) -> SlapdConfiguration {
        SlapdConfiguration(
            sessionLogSize: sessionLogSize, schemaFiles: hasSchema ? [Repository.schema] : [],
            globalLines: globalLines, logLevel: logLevel,
            initialLDIF: """
                dn: dc=example
                objectClass: organization
                objectClass: dcObject
                o: example
                dc: example

                dn: ou=people,dc=example
                objectClass: organizationalUnit
                ou: people

                dn: ou=interorg,dc=example
                objectClass: organizationalUnit
                ou: interorg

                \(more)
                """)
    }
}

/// The ways in which slapd tells what has changed.
enum ServerKind: String, CaseIterable, CustomTestStringConvertible {
    case sessionLog = "with a session log"
    /// slapd answers with a present phase: it names what is there, and what it does not name is gone.
    case noSessionLog = "without a session log"
    /// It goes on from the log or, if too much has happened, with a present phase.
    case tinySessionLog = "with a session log of one write"
    case accessLog = "with an access log as session log"
    case noSyncProvider = "without syncprov, by scanning"

    var testDescription: String { rawValue }

    /// One of each way, for what does not depend on how long a log is.
    static let ways = [sessionLog, noSessionLog, noSyncProvider]
}

extension SlapdConfiguration {
    /// A directory whose server is of this kind.
    static func directory(_ kind: ServerKind, more: String = "") -> SlapdConfiguration {
        var configuration = SlapdConfiguration.directory(more: more)
        switch kind {
        case .sessionLog: configuration.sessionLogSize = 1_000
        case .noSessionLog: break
        case .tinySessionLog: configuration.sessionLogSize = 1
        case .accessLog:
            configuration.globalLines = [
                "moduleload accesslog", "database mdb", "suffix cn=accesslog", "rootdn \(configuration.rootDN)",
                "directory {folder}/accesslog", "maxsize 1073741824", "envflags nosync",
                "index reqStart,reqEnd,reqResult,entryCSN,objectClass eq", "overlay syncprov",
                "syncprov-nopresent TRUE", "syncprov-reloadhint TRUE",
            ]
            configuration.databaseLines = [
                "overlay accesslog", "logdb cn=accesslog", "logops writes", "logsuccess TRUE",
            ]
            configuration.syncProviderLines = ["syncprov-sessionlog-source cn=accesslog"]
        case .noSyncProvider: configuration.hasSyncProvider = false
        }
        return configuration
    }
}

extension SlapdServer {
    static let importBase = "ou=interorg,dc=example"

    /// A connection as the administrator.
    func connect() async throws -> LDAPConnection {
        try await .connect(connectionOptions(rootDN))
    }

    /// How a service would use the directory.
    ///
    /// - Parameter bindDN: who it is there; nil for the administrator. Everybody has the administrator's password.
    func access(
        of organization: OrganizationID, importBase: String? = SlapdServer.importBase, bindDN: String? = nil,
        mapping: Mapping = .inetOrgPerson
    ) throws -> DirectoryAccess {
        DirectoryAccess(
            connection: connectionOptions(bindDN ?? rootDN), mapping: mapping, organization: organization,
            importBase: try importBase.map { try LDAPDN($0) })
    }

    private func connectionOptions(_ bindDN: String) -> LDAPConnectionOptions {
        LDAPConnectionOptions(
            url: url, credentials: .simple(dn: bindDN, password: LDAPPassword(rootPassword)),
            operationTimeout: .seconds(20))
    }

    /// What changes with every write to the directory.
    func contextCSN() async throws -> [String] {
        let connection = try await connect()
        defer { connection.close() }
        let values = try await connection.entry(dn: suffix, attributes: ["contextCSN"])?["contextCSN"] ?? []
        return values.map { String(decoding: $0, as: UTF8.self) }.sorted()
    }
}

extension LDAPConnection {
    /// Adds a person below `ou=people`, named by `uid`.
    func addPerson(_ name: String, in container: String = "ou=people,dc=example", _ more: LDAPAttribute...) async throws
    {
        let attributes = [
            LDAPAttribute("objectClass", "inetOrgPerson"), LDAPAttribute("uid", name), LDAPAttribute("cn", name),
            LDAPAttribute("sn", name),
        ]
        try await add(dn: "uid=\(name),\(container)", attributes: attributes + more)
    }

    func addContainer(_ name: String, in container: String = "ou=people,dc=example") async throws {
        try await add(
            dn: "ou=\(name),\(container)",
            attributes: [LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", name)])
    }

    func addGroup(_ name: String, of members: [String]) async throws {
        try await add(
            dn: "cn=\(name),ou=people,dc=example",
            attributes: [
                LDAPAttribute("objectClass", "groupOfNames"), LDAPAttribute("cn", name),
                LDAPAttribute("member", members.map { Array("uid=\($0),ou=people,dc=example".utf8) }),
            ])
    }

    /// Replaces the values of an attribute of a person below `ou=people`.
    func set(_ attribute: String, of name: String, to values: String...) async throws {
        try await modify(
            dn: "uid=\(name),ou=people,dc=example",
            [LDAPModification(.replace, attribute, values.map { Array($0.utf8) })])
    }

    /// The entryUUID of an entry.
    func uuid(_ dn: String) async throws -> UUID? {
        try await entry(dn: dn, attributes: ["entryUUID"])?.text("entryUUID").flatMap { UUID(uuidString: $0) }
    }
}
