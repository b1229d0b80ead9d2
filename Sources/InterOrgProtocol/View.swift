import AddressBook
import Crypto
import Foundation

/// Whose entries of a log a peer sees.
public struct View: Hashable, Sendable {
    /// Never sent back: the peer's own.
    public var excluded: OrganizationID?
    /// Nil: those of all others.
    public var organizations: Set<OrganizationID>?

    public init(excluding excluded: OrganizationID? = nil, only organizations: Set<OrganizationID>? = nil) {
        self.excluded = excluded
        self.organizations = organizations
    }

    /// Everything, for the log's owner.
    public static let all = View()

    public func shows(_ organization: OrganizationID) -> Bool {
        organization != excluded && organizations?.contains(organization) != false
    }

    /// Another version means another set of organizations, and so a full transfer: what came under another view says
    /// nothing about what is missing. Nil for all organizations, also when they become more.
    ///
    /// The first 16 hexadecimal digits of SHA-256 over the organizations' IDs, 16 bytes each, in ascending order.
    public var version: String? {
        organizations.map { organizations in
            let ids = organizations.map(\.uuid.bytes).sorted { $0.lexicographicallyPrecedes($1) }
            let hash = SHA256.hash(data: ids.flatMap { $0 })
            return hash.prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
    }
}
