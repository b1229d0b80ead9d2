import Foundation
import LDAPClient
import StrictYAML

extension Configuration {
    /// Reads and checks a configuration file; DNs are compared as a directory does.
    ///
    /// - Parameter keysMayBeMissing: whether keys and certificates, which may be about to be made, need not be there.
    /// - Throws: `YAMLError` with everything that is wrong.
    public static func load(path: String, keysMayBeMissing: Bool = false) throws(YAMLError) -> Configuration {
        try load(
            path: path,
            dnIsWithin: { inner, outer in
                guard let inner = try? LDAPDN(inner), let outer = try? LDAPDN(outer) else { return nil }
                return inner == outer || inner.isDescendant(of: outer)
            }, keysMayBeMissing: keysMayBeMissing)
    }
}
