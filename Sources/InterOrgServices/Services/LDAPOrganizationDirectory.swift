import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import Logging

/// An organization's LDAP directory, as its configuration describes it.
struct LDAPOrganizationDirectory: OrganizationDirectory {
    let access: DirectoryAccess
    let bases: [String: (base: LDAPDN, filter: String?)]
    private let strays = StrayEntries()
    private let detection: ChangeDetection
    private let rules: ImportRules?
    private let audit: AuditSchedule
    /// One for both directions: the server that is away is the same.
    private let retry: Retry
    let exports: [String]

    /// A server that is restarted is waited for, within the operation that needs it. What takes longer is left to the
    /// agent, or to whoever has called `interorg sync`.
    static let backoff = Backoff(first: .milliseconds(250), longest: .seconds(4), patience: .seconds(10))

    /// - Parameter auditsSince: everything is read and compared if that was last done before this moment, whatever the
    ///   configuration's interval is.
    init(
        _ configuration: Configuration, auditsSince: Date? = nil, pauses: Pauses = .real,
        logger: Logger = Logger(label: "directory") { _ in SwiftLogNoOpLogHandler() }
    ) throws {
        let directory = configuration.directory
        let rules = try directory.imports.map { imports in
            ImportRules(
                base: try LDAPDN(imports.base), placement: imports.placement, adoption: imports.adoption,
                transactions: imports.transactions)
        }
        self.rules = rules
        detection =
            switch directory.changes {
            case .auto: .auto
            case .contentSync: .contentSync
            case .scan: .scan
            }
        audit = AuditSchedule(every: directory.auditEvery, notBefore: auditsSince, now: { Date() })
        self.access = DirectoryAccess(
            connection: LDAPConnectionOptions(directory),
            mapping: directory.mapping, organization: OrganizationID(configuration.organizationID),
            importBase: rules?.base)
        var bases: [String: (base: LDAPDN, filter: String?)] = [:]
        var exports: [String] = []
        for export in directory.exports {
            let base = try LDAPDN(export.base)
            bases[base.normalized] = (base, export.filter)
            exports.append(base.normalized)
        }
        self.bases = bases
        self.exports = exports
        let url = directory.url
        self.retry = Retry(
            Self.backoff, pauses: pauses, isTransient: { ($0 as? LDAPError)?.isTransient ?? false },
            notify: { notice in
                switch notice {
                case .failing(let error): logger.warning("the directory does not answer, trying again: \(error)")
                case .recovered: logger.info("the directory at \(url) answers again")
                }
            })
    }

    var imports: Bool { rules != nil }

    var importRules: String {
        [rules?.base.normalized, rules?.placement.text, access.mapping.digest].compactMap(\.self).joined(
            separator: "\n")
    }

    func check() async throws {
        try await access.check(exports: exports.compactMap { bases[$0]?.base })
    }

    func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource {
        RetryingSource(directorySource(export, stream, index: index), retry)
    }

    func awaitChange(
        _ export: String, _ stream: ChangeStream, index: any PlaceIndex, after cursor: Cursor?
    ) async throws -> Bool {
        try await directorySource(export, stream, index: index).awaitChange(after: cursor)
    }

    private func directorySource(
        _ export: String, _ stream: ChangeStream, index: any PlaceIndex
    ) -> DirectorySource {
        DirectorySource(
            access, base: bases[export]?.base ?? .root, userFilter: bases[export]?.filter, stream: stream,
            index: index, detection: detection, audit: audit, newRefresh: { RefreshID(UUID()) })
    }

    func collector(
        index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) -> (any Collector)? {
        guard let rules else { return nil }
        return RetryingCollector(
            DirectoryCollector(access, rules, index: index, strays: strays, organizationName: organizationName), retry)
    }
}

extension LDAPConnectionOptions {
    /// Where and how to connect to a directory, as a configuration has it.
    init(_ directory: Configuration.Directory) {
        let credentials: Credentials =
            switch directory.bind {
            case .anonymous: .anonymous
            case .simple(let dn, let password): .simple(dn: dn, password: LDAPPassword(password.revealed))
            case .external: .external
            case .scramSHA256(let user, let password):
                .scramSHA256(user: user, password: LDAPPassword(password.revealed))
            case .gssapi(let principal, let keytab, let cache):
                .gssapi(KerberosIdentity(principal: principal, keytab: keytab, credentialCache: cache))
            }
        self.init(
            url: directory.url, startTLS: directory.transportSecurity == .startTLS, credentials: credentials,
            clientCertificate: directory.clientCertificate.map {
                ClientCertificate(certificateFile: $0.file, keyFile: $0.keyFile)
            },
            caFile: directory.caFile)
    }
}
