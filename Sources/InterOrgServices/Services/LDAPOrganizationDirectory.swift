import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory

/// An organization's LDAP directory, as its configuration describes it.
struct LDAPOrganizationDirectory: OrganizationDirectory {
    let access: DirectoryAccess
    let bases: [String: (base: LDAPDN, filter: String?)]
    private let strays = StrayEntries()
    let exports: [String]

    init(_ configuration: Configuration) throws {
        let directory = configuration.directory
        let credentials: LDAPConnectionOptions.Credentials =
            switch directory.bind {
            case .anonymous: .anonymous
            case .simple(let dn, let password): .simple(dn: dn, password: LDAPPassword(password.revealed))
            }
        self.access = DirectoryAccess(
            connection: LDAPConnectionOptions(
                url: directory.url, startTLS: directory.transportSecurity == .startTLS, credentials: credentials,
                caFile: directory.caFile),
            mapping: directory.mapping, organization: OrganizationID(configuration.organizationID),
            importBase: try directory.importBase.map { try LDAPDN($0) })
        var bases: [String: (base: LDAPDN, filter: String?)] = [:]
        var exports: [String] = []
        for export in directory.exports {
            let base = try LDAPDN(export.base)
            bases[base.normalized] = (base, export.filter)
            exports.append(base.normalized)
        }
        self.bases = bases
        self.exports = exports
    }

    var imports: Bool { access.importBase != nil }

    func check() async throws {
        try await access.check(exports: exports.compactMap { bases[$0]?.base })
    }

    func source(_ export: String, _ stream: ChangeStream, index: any PlaceIndex) -> any ChangeSource {
        DirectorySource(
            access, base: bases[export]?.base ?? .root, userFilter: bases[export]?.filter, stream: stream,
            index: index, newRefresh: { RefreshID(UUID()) })
    }

    func collector(
        index: any PlaceIndex, organizationName: @escaping @Sendable (OrganizationID) async throws -> String?
    ) -> (any Collector)? {
        guard let importBase = access.importBase else { return nil }
        return DirectoryCollector(
            access, importBase: importBase, index: index, strays: strays, organizationName: organizationName)
    }
}
