/// An operation that did not succeed: what was being done, to what, and what the server (or libldap) said.
///
/// It never holds a password or an attribute value of a request.
public struct LDAPError: Error, Sendable, Hashable {
    /// The server's result code, or libldap's own negative one.
    public var code: LDAPResultCode
    /// What was being done: `connect`, `bind`, `startTLS`, `search`, `add`, `modify`, `rename`, `delete`, `compare`,
    /// `extended`, `parse DN` or `decode`.
    public var operation: String
    /// What it was done to: a DN, a server's URL or an OID.
    public var subject: String
    /// The part of the DN that the server found; else empty.
    public var matchedDN: String
    /// The server's explanation, or that of libldap; may be empty.
    public var diagnosticMessage: String
    /// Where else to ask, when the code is `referral`.
    public var referrals: [String]
    /// The controls that came with the result.
    public var responseControls: [LDAPControl]

    /// An error from its parts.
    public init(
        code: LDAPResultCode,
        operation: String,
        subject: String,
        matchedDN: String = "",
        diagnosticMessage: String = "",
        referrals: [String] = [],
        responseControls: [LDAPControl] = []
    ) {
        self.code = code
        self.operation = operation
        self.subject = subject
        self.matchedDN = matchedDN
        self.diagnosticMessage = diagnosticMessage
        self.referrals = referrals
        self.responseControls = responseControls
    }

    /// The error that a result without success stands for.
    init(result: LDAPResult, operation: String, subject: String) {
        self.init(
            code: result.code,
            operation: operation,
            subject: subject,
            matchedDN: result.matchedDN,
            diagnosticMessage: result.diagnosticMessage,
            referrals: result.referrals,
            responseControls: result.controls
        )
    }

    /// Whether the same operation may succeed later, unchanged. After a lost connection or a timeout the outcome of
    /// a write is unknown.
    public var isTransient: Bool {
        switch code {
        case .serverDown, .timeout, .busy, .unavailable, .noMemory: true
        default: false
        }
    }
}

extension LDAPError: CustomStringConvertible {
    /// One line for people, such as
    /// `add uid=x,dc=y: 21 invalidAttributeSyntax: telephoneNumber: value #0 invalid per syntax`.
    public var description: String {
        var text = "\(operation) \(subject.isEmpty ? "(the root DSE)" : subject): \(code)"
        if !diagnosticMessage.isEmpty {
            text += ": \(diagnosticMessage)"
        }
        if !matchedDN.isEmpty {
            text += " (found as far as \(matchedDN))"
        }
        if !referrals.isEmpty {
            text += " (the server refers to \(referrals.joined(separator: ", ")))"
        }
        if let advice {
            text += "; \(advice)"
        }
        return text
    }

    /// What to try, where the code alone suggests something.
    public var advice: String? {
        switch (operation, code) {
        case ("connect", .serverDown):
            "check the URL and that the server is running and reachable"
        case ("connect", .connectError), ("startTLS", .connectError):
            "check the CA file and that the server's certificate is valid and names the host of the URL"
        case ("startTLS", .protocolError), ("startTLS", .unavailable):
            "the server has no TLS configured"
        case ("bind", .invalidCredentials) where subject.hasPrefix("SASL"),
            ("bind", .other) where subject.hasPrefix("SASL"):
            "check the user and the password or key, and how the server maps the user to an entry"
        case ("bind", .invalidCredentials):
            "check the bind DN and its password"
        case ("bind", .authMethodNotSupported), ("bind", .inappropriateAuthentication):
            "see which mechanisms the server offers here: supportedSASLMechanisms of its root DSE"
        case ("bind", .serverDown) where diagnosticMessage.isEmpty:
            "the server has closed the connection; if it demands a client certificate, see whether it takes this one"
        case ("bind", .authUnknown):
            "install Cyrus SASL's module for the mechanism here: libsasl2-modules, libsasl2-modules-gssapi-mit"
        case ("bind", .localError):
            "check krb5.conf, the keytab or credential cache, and that the URL has the host's name as the KDC knows it"
        case (_, .confidentialityRequired):
            "use StartTLS or ldaps"
        case (_, .insufficientAccessRights):
            "check the server's access rules for the bind DN"
        case (_, .sizeLimitExceeded), (_, .timeLimitExceeded), (_, .adminLimitExceeded):
            "raise the server's limits for the bind DN"
        default:
            nil
        }
    }
}
