import Foundation
import LDAPClient
import StrictYAML

extension Configuration {
    /// Reads and checks a configuration file; DNs are compared as a directory does.
    ///
    /// - Throws: `YAMLError` with everything that is wrong.
    public static func load(path: String) throws(YAMLError) -> Configuration {
        try load(path: path) { inner, outer in
            guard let inner = try? LDAPDN(inner), let outer = try? LDAPDN(outer) else { return nil }
            return inner == outer || inner.isDescendant(of: outer)
        }
    }
}
