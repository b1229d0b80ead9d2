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
        try configureClientCertificate(options)
        var isServer: Int32 = 0
        let code = Self.contextLock.withLock { _ in ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &isServer) }
        guard code == LDAP_OPT_SUCCESS else {
            let caFile = isVerifying ? options.caFile ?? Self.systemCAFile : "none"
            let certificate = options.clientCertificate.map { ", \($0.certificateFile), \($0.keyFile)" } ?? ""
            throw LDAPError(
                code: .connectError, operation: "connect", subject: url,
                diagnosticMessage: "TLS could not be set up (CA file: \(caFile)\(certificate)): "
                    + "one of the files is not PEM, or the key is encrypted or not the certificate's")
        }
    }

    private func configureClientCertificate(_ options: LDAPConnectionOptions) throws(LDAPError) {
        guard let certificate = options.clientCertificate else { return }
        for (option, file) in [
            (LDAP_OPT_X_TLS_CERTFILE, certificate.certificateFile), (LDAP_OPT_X_TLS_KEYFILE, certificate.keyFile),
        ] {
            guard FileManager.default.isReadableFile(atPath: file) else {
                throw LDAPError(
                    code: .connectError, operation: "connect", subject: url,
                    diagnosticMessage: "the file \(file) of the client's certificate cannot be read")
            }
            try check(ldap_set_option(ld, option, file), "connect")
        }
    }

    /// What libldap says of a failed handshake, in words. GnuTLS's errors of certificates have no text in it.
    static func describeTLS(_ message: String) -> String {
        let reason =
            message == "(unknown error code)" || message.isEmpty
            ? "most likely the server's certificate is not trusted" : message
        let cause =
            codeOfTLS(message) == .serverDown
            ? " (the server is being stopped, or it demands a client certificate and does not take this one)" : ""
        return "the TLS handshake failed: \(reason)\(cause)"
    }

    /// A server that is being stopped cuts a handshake off, which is worth another try; what is wrong with a
    /// certificate stays wrong. libldap passes on nothing but GnuTLS's text.
    static func codeOfTLS(_ message: String) -> LDAPResultCode {
        let cutOff = [
            "The TLS connection was non-properly terminated.", "Error in the pull function.",
            "Error in the push function.",
        ]
        return cutOff.contains(message) ? .serverDown : .connectError
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
