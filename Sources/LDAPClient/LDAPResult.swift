/// What a server answered to an operation (RFC 4511, section 4.1.9).
public struct LDAPResult: Sendable, Hashable {
    /// The result code.
    public var code: LDAPResultCode
    /// The part of the DN that was found, where the code speaks of a name; else empty.
    public var matchedDN: String
    /// The server's explanation, for people; may be empty.
    public var diagnosticMessage: String
    /// Where else to ask, when the code is `referral`.
    public var referrals: [String]
    /// The controls that came with the result.
    public var controls: [LDAPControl]
    /// The OID of an extended response, if it has one.
    public var responseOID: String?
    /// The value of an extended response, if it has one.
    public var responseValue: [UInt8]?

    /// A result as a server sends it.
    public init(
        code: LDAPResultCode,
        matchedDN: String = "",
        diagnosticMessage: String = "",
        referrals: [String] = [],
        controls: [LDAPControl] = [],
        responseOID: String? = nil,
        responseValue: [UInt8]? = nil
    ) {
        self.code = code
        self.matchedDN = matchedDN
        self.diagnosticMessage = diagnosticMessage
        self.referrals = referrals
        self.controls = controls
        self.responseOID = responseOID
        self.responseValue = responseValue
    }

    /// Whether the code reports no error. The two answers to a compare are none.
    public var isSuccess: Bool {
        switch code {
        case .success, .compareTrue, .compareFalse: true
        default: false
        }
    }
}
