internal import CLDAP
import Foundation
import Synchronization

extension LDAPHandle {
    /// The first TLS context also initializes GnuTLS for the whole process.
    private static let contextLock = Mutex(())

    /// Debian's bundle; libldap with GnuTLS trusts nobody unless it is given a file.
    private static let systemCAFile = "/etc/ssl/certs/ca-certificates.crt"

    /// Sets the handle's own TLS options and makes a context of them.
    func configureTLS(_ options: LDAPConnectionOptions) throws(LDAPError) {
        let isVerifying = options.verification == .full
        // With DEMAND libldap checks the chain and the host's name; it cannot check one alone.
        try set(LDAP_OPT_X_TLS_REQUIRE_CERT, isVerifying ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER)
        try requireTLS12()
        if isVerifying {
            let caFile = options.caFile ?? Self.systemCAFile
            guard FileManager.default.isReadableFile(atPath: caFile) else {
                throw LDAPError(
                    code: .connectError, operation: "connect", subject: url,
                    diagnosticMessage: "the CA file \(caFile) cannot be read")
            }
            try check(ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, caFile), "connect")
        }
        var isServer: Int32 = 0
        let code = Self.contextLock.withLock { _ in ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &isServer) }
        guard code == LDAP_OPT_SUCCESS else {
            let caFile = isVerifying ? options.caFile ?? Self.systemCAFile : "none"
            throw LDAPError(
                code: .connectError, operation: "connect", subject: url,
                diagnosticMessage: "TLS could not be set up (CA file: \(caFile))")
        }
    }

    /// TLS 1.2 or newer. libldap hands its own option for that to OpenSSL only; GnuTLS has it in its priorities.
    private func requireTLS12() throws(LDAPError) {
        var package: UnsafeMutablePointer<CChar>?
        ldap_get_option(nil, LDAP_OPT_X_TLS_PACKAGE, &package)
        defer { ldap_memfree(package) }
        if let package, String(cString: package) == "GnuTLS" {
            let priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
            try check(ldap_set_option(ld, LDAP_OPT_X_TLS_CIPHER_SUITE, priorities), "connect")
        } else {
            // LDAP_OPT_X_TLS_PROTOCOL(3, 3), a macro with parameters.
            try set(LDAP_OPT_X_TLS_PROTOCOL_MIN, (3 << 8) + 3)
        }
    }
}
