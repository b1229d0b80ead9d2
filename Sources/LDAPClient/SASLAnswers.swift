internal import CLDAP

/// What libldap's SASL is told when it asks in the course of one bind. Lives on the connection's thread.
final class SASLAnswers {
    private let user: UnsafeMutableBufferPointer<UInt8>
    private let password: UnsafeMutableBufferPointer<UInt8>
    private let credential: KerberosCredential?

    /// Answers with a user and a password, or with credentials of Kerberos. Nobody else's identity is asked for.
    init(user: String = "", password: [UInt8] = [], credential: KerberosCredential? = nil) {
        self.user = Self.copy(Array(user.utf8))
        self.password = Self.copy(password)
        self.credential = credential
    }

    deinit {
        password.update(repeating: 0)
        user.deallocate()
        password.deallocate()
    }

    /// A copy with a NUL after it.
    private static func copy(_ bytes: [UInt8]) -> UnsafeMutableBufferPointer<UInt8> {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count + 1)
        _ = buffer.initialize(from: bytes + [0])
        return buffer
    }

    /// What libldap's callback (`LDAP_SASL_INTERACT_PROC`) does with this object and a list of questions.
    static func answer(
        _ ld: OpaquePointer?, _ answers: UnsafeMutableRawPointer?, _ questions: UnsafeMutableRawPointer?
    ) -> Int32 {
        guard let ld, let answers, let questions else { return LDAP_PARAM_ERROR }
        return Unmanaged<SASLAnswers>.fromOpaque(answers).takeUnretainedValue()
            .answer(questions.assumingMemoryBound(to: sasl_interact_t.self), of: ld)
    }

    private func answer(_ questions: UnsafeMutablePointer<sasl_interact_t>, of ld: OpaquePointer) -> Int32 {
        if let credential {
            // libldap takes it only now, when the mechanism has been started and has not looked for credentials yet.
            let code = ldap_set_option(ld, LDAP_OPT_X_SASL_GSS_CREDS, UnsafeRawPointer(credential.handle))
            guard code == LDAP_OPT_SUCCESS else { return LDAP_LOCAL_ERROR }
        }
        var question = questions
        while Int32(truncatingIfNeeded: question.pointee.id) != SASL_CB_LIST_END {
            let text: UnsafeMutableBufferPointer<UInt8>? =
                switch Int32(truncatingIfNeeded: question.pointee.id) {
                case SASL_CB_AUTHNAME: user
                case SASL_CB_PASS: password
                default: nil
                }
            question.pointee.result = UnsafeRawPointer(text?.baseAddress ?? Self.nothing.baseAddress)
            question.pointee.len = UInt32((text?.count ?? 1) - 1)
            question += 1
        }
        return LDAP_SUCCESS
    }

    /// An empty text: no other identity than one's own, no realm but the server's.
    private nonisolated(unsafe) static let nothing = copy([])
}
