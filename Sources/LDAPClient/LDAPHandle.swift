internal import CLDAP
import Glibc
import Synchronization

/// Owns a libldap handle. Made, used and closed on the connection's thread alone.
final class LDAPHandle {
    let ld: OpaquePointer
    let url: String
    private(set) var isClosed = false
    /// Whether a request has been written in part, because the server took no more data for too long. Nothing else
    /// can be sent then.
    var isStuck = false
    /// The memory that requests are made in, one after the other.
    var arena = CArena()

    /// libldap reads `ldaprc`, `ldap.conf` and `LDAP*` variables when it is first used, unless told not to; and its
    /// first use, like GnuTLS's, is not for several threads at once.
    private static let initialized: Void = {
        setenv("LDAPNOINIT", "1", 1)
        var version: Int32 = 0
        ldap_get_option(nil, LDAP_OPT_PROTOCOL_VERSION, &version)
    }()

    /// A handle for the URL, not connected yet. Throws when libldap does not understand the URL.
    private init(url: String) throws(LDAPError) {
        _ = Self.initialized
        var created: OpaquePointer?
        let code = url.utf8.contains(0) ? LDAP_PARAM_ERROR : ldap_initialize(&created, url)
        guard code == LDAP_SUCCESS, let created else {
            throw LDAPError(
                code: LDAPResultCode(rawValue: code), operation: "connect", subject: url,
                diagnosticMessage: "not a URL such as ldap://host:389, ldaps://host:636 or ldapi://%2Frun%2Fldapi")
        }
        self.ld = created
        self.url = url
    }

    deinit { close() }

    /// Sends an unbind and frees the handle. May be called again.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        ldap_unbind_ext(ld, nil, nil)
    }

    /// The connection's descriptor; -1 if there is none.
    var descriptor: Int32 {
        var descriptor: Int32 = -1
        ldap_get_option(ld, LDAP_OPT_DESC, &descriptor)
        return descriptor
    }

    /// The code of libldap's last error.
    var lastCode: LDAPResultCode {
        var code: Int32 = LDAP_LOCAL_ERROR
        ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code)
        return LDAPResultCode(rawValue: code)
    }

    /// The text of libldap's last error, the server's or its own; may be empty.
    var lastMessage: String {
        var text: UnsafeMutablePointer<CChar>?
        ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text)
        guard let text else { return "" }
        defer { ldap_memfree(text) }
        return String(cString: text)
    }

    // MARK: Connecting

    /// A handle that is connected, secured and bound as the options say.
    static func connect(_ options: LDAPConnectionOptions) throws(LDAPError) -> LDAPHandle {
        let handle = try LDAPHandle(url: options.url)
        try handle.configure(options)
        try handle.open(options)
        try handle.bind(options)
        handle.configureSocket(options)
        return handle
    }

    private func configure(_ options: LDAPConnectionOptions) throws(LDAPError) {
        try set(LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3)
        try check(ldap_set_option(ld, LDAP_OPT_REFERRALS, nil), "connect")
        // A connection behind a router that has forgotten it, or to a host that is gone, is found lost after
        // about two minutes, in a persistent search as well.
        try set(LDAP_OPT_X_KEEPALIVE_IDLE, 60)
        try set(LDAP_OPT_X_KEEPALIVE_PROBES, 4)
        try set(LDAP_OPT_X_KEEPALIVE_INTERVAL, 15)
        try set(LDAP_OPT_TCP_USER_TIMEOUT, 120_000)
        let (seconds, microseconds) = options.connectTimeout.secondsAndMicroseconds
        var timeout = timeval(tv_sec: seconds, tv_usec: microseconds)
        try check(ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &timeout), "connect")
        try check(ldap_set_option(ld, LDAP_OPT_TIMEOUT, &timeout), "connect")
        if options.startTLS || options.hasScheme("ldaps") {
            try configureTLS(options)
        }
    }

    private func open(_ options: LDAPConnectionOptions) throws(LDAPError) {
        let code = ldap_connect(ld)
        let systemError = errno
        guard code == LDAP_SUCCESS else {
            // libldap has a text for a failed TLS handshake, and none for a failed connection.
            let message = lastMessage
            let isTLS = !message.isEmpty
            throw LDAPError(
                code: isTLS ? Self.codeOfTLS(message) : LDAPResultCode(rawValue: code), operation: "connect",
                subject: url,
                diagnosticMessage: isTLS ? Self.describeTLS(message) : Self.describeConnecting(errno: systemError))
        }
        guard options.startTLS else { return }
        let startCode = ldap_start_tls_s(ld, nil, nil)
        guard startCode != LDAP_SUCCESS else { return }
        let isHandshake = startCode == LDAP_CONNECT_ERROR
        throw LDAPError(
            code: isHandshake ? Self.codeOfTLS(lastMessage) : LDAPResultCode(rawValue: startCode),
            operation: "startTLS", subject: url,
            diagnosticMessage: isHandshake ? Self.describeTLS(lastMessage) : lastMessage)
    }

    /// libldap cleans up before it reports, which leaves `ENOTCONN` of all causes on TCP.
    private static func describeConnecting(errno code: Int32) -> String {
        switch code {
        case 0: "the host's name is not known"
        case ENOTCONN: "the connection was refused, or there is no way to the host"
        default: String(cString: strerror(code))
        }
    }

    /// Whether what is sent waits for more to go with it (TCP alone knows that; it waits 200 ms at most).
    func holdBack(_ waits: Bool) {
        var flag: Int32 = waits ? 1 : 0
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &flag, socklen_t(MemoryLayout<Int32>.size))
    }

    /// libldap may block in the middle of a message. With these the thread gets control back, and what was read or
    /// written so far is kept.
    private func configureSocket(_ options: LDAPConnectionOptions) {
        var readTimeout = timeval(tv_sec: 0, tv_usec: 100_000)
        let (seconds, microseconds) = options.operationTimeout.secondsAndMicroseconds
        var writeTimeout = timeval(tv_sec: seconds, tv_usec: microseconds)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &readTimeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &writeTimeout, size)
        // Where that fails, each message takes two system calls and is read all the same.
        _ = ldap_shim_read_ahead(ld, Self.readAheadBytes)
    }

    private static let readAheadBytes: Int32 = 64 * 1024

    // MARK: Options

    func set(_ option: Int32, _ value: Int32) throws(LDAPError) {
        var value = value
        try check(ldap_set_option(ld, option, &value), "connect")
    }

    /// Throws what libldap says unless the code is a success.
    func check(_ code: Int32, _ operation: String, subject: String? = nil) throws(LDAPError) {
        guard code != LDAP_SUCCESS else { return }
        throw LDAPError(
            code: LDAPResultCode(rawValue: code), operation: operation, subject: subject ?? url,
            diagnosticMessage: lastMessage)
    }
}
