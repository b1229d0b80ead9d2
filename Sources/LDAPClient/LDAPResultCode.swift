/// The result code of an LDAP operation (RFC 4511, appendix A), or, when negative, one of libldap's own codes for
/// what went wrong before a server answered.
///
/// The set is open: servers may send codes that are not listed here. A code can stand in a `catch`:
///
///     do { try await connection.delete(dn: dn) } catch LDAPResultCode.noSuchObject { … }
public struct LDAPResultCode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire, or libldap's negative number.
    public let rawValue: Int32

    /// Any number is a result code.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    private init(_ rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Matches an ``LDAPError`` with this code, so that `catch` can name result codes.
    public static func ~= (code: LDAPResultCode, error: any Error) -> Bool {
        (error as? LDAPError)?.code == code
    }
}

/// The codes of RFC 4511 and of the controls that are in use.
extension LDAPResultCode {
    /// The operation succeeded.
    public static let success = LDAPResultCode(0)
    /// Not in the right order with other operations.
    public static let operationsError = LDAPResultCode(1)
    /// The server did not understand the request.
    public static let protocolError = LDAPResultCode(2)
    /// The time limit, of the client or the server, ended the search.
    public static let timeLimitExceeded = LDAPResultCode(3)
    /// The size limit, of the client or the server, ended the search: there is more.
    public static let sizeLimitExceeded = LDAPResultCode(4)
    /// The answer to a compare: no.
    public static let compareFalse = LDAPResultCode(5)
    /// The answer to a compare: yes.
    public static let compareTrue = LDAPResultCode(6)
    /// The way to bind is not supported.
    public static let authMethodNotSupported = LDAPResultCode(7)
    /// A better bind, or a protected connection, is required.
    public static let strongerAuthRequired = LDAPResultCode(8)
    /// Another server has what was asked for.
    public static let referral = LDAPResultCode(10)
    /// An administrator's limit was exceeded.
    public static let adminLimitExceeded = LDAPResultCode(11)
    /// A critical control is not known or does not fit.
    public static let unavailableCriticalExtension = LDAPResultCode(12)
    /// The connection has to be encrypted.
    public static let confidentialityRequired = LDAPResultCode(13)
    /// The SASL bind needs another step.
    public static let saslBindInProgress = LDAPResultCode(14)
    /// The attribute, or the value, is not there.
    public static let noSuchAttribute = LDAPResultCode(16)
    /// The schema does not have the attribute.
    public static let undefinedAttributeType = LDAPResultCode(17)
    /// The attribute has no such matching rule.
    public static let inappropriateMatching = LDAPResultCode(18)
    /// A value breaks a constraint.
    public static let constraintViolation = LDAPResultCode(19)
    /// The attribute, or the value, is there already.
    public static let attributeOrValueExists = LDAPResultCode(20)
    /// A value breaks its attribute's syntax.
    public static let invalidAttributeSyntax = LDAPResultCode(21)
    /// There is no such entry, or it is not shown.
    public static let noSuchObject = LDAPResultCode(32)
    /// An alias leads nowhere.
    public static let aliasProblem = LDAPResultCode(33)
    /// The DN is none.
    public static let invalidDNSyntax = LDAPResultCode(34)
    /// An alias cannot be followed.
    public static let aliasDereferencingProblem = LDAPResultCode(36)
    /// The identity cannot bind in this way.
    public static let inappropriateAuthentication = LDAPResultCode(48)
    /// The DN or the password is wrong.
    public static let invalidCredentials = LDAPResultCode(49)
    /// The identity may not do that.
    public static let insufficientAccessRights = LDAPResultCode(50)
    /// The server is busy; it may work later.
    public static let busy = LDAPResultCode(51)
    /// The server is shutting down or a part of it is offline.
    public static let unavailable = LDAPResultCode(52)
    /// The server does not want to; slapd's answer to a cookie that is newer than its data.
    public static let unwillingToPerform = LDAPResultCode(53)
    /// Aliases or referrals go in circles.
    public static let loopDetect = LDAPResultCode(54)
    /// The entry cannot have that name or place.
    public static let namingViolation = LDAPResultCode(64)
    /// The entry breaks its object classes.
    public static let objectClassViolation = LDAPResultCode(65)
    /// The entry has others below it.
    public static let notAllowedOnNonLeaf = LDAPResultCode(66)
    /// The value is part of the entry's name.
    public static let notAllowedOnRDN = LDAPResultCode(67)
    /// There is an entry of that name.
    public static let entryAlreadyExists = LDAPResultCode(68)
    /// The entry's structural object class cannot change.
    public static let objectClassModsProhibited = LDAPResultCode(69)
    /// The operation would span servers or databases.
    public static let affectsMultipleDSAs = LDAPResultCode(71)
    /// An error of the server with no code of its own.
    public static let other = LDAPResultCode(80)
    /// RFC 3909.
    public static let canceled = LDAPResultCode(118)
    /// RFC 4528.
    public static let assertionFailed = LDAPResultCode(122)
    /// RFC 4370.
    public static let authorizationDenied = LDAPResultCode(123)
    /// RFC 4533, section 5: the cookie is of no use to the server, start again without one.
    public static let syncRefreshRequired = LDAPResultCode(4096)
    /// RFC 5805, as slapd numbers it: the transaction is not known.
    public static let transactionIDInvalid = LDAPResultCode(0x4121)
}

/// libldap's own codes.
extension LDAPResultCode {
    /// The server could not be reached, or the connection was lost.
    public static let serverDown = LDAPResultCode(-1)
    /// libldap failed in some other way.
    public static let localError = LDAPResultCode(-2)
    /// The request could not be encoded.
    public static let encodingError = LDAPResultCode(-3)
    /// A message of the server could not be decoded.
    public static let decodingError = LDAPResultCode(-4)
    /// The server did not answer in time.
    public static let timeout = LDAPResultCode(-5)
    /// The mechanism of the bind is not known here.
    public static let authUnknown = LDAPResultCode(-6)
    /// The search filter could not be understood (RFC 4515).
    public static let filterError = LDAPResultCode(-7)
    /// The request cannot be sent as it is: a bad URL, a NUL in a name, an empty password.
    public static let parameterError = LDAPResultCode(-9)
    /// libldap could not get memory.
    public static let noMemory = LDAPResultCode(-10)
    /// The TLS handshake failed.
    public static let connectError = LDAPResultCode(-11)
}
