internal import CLDAP
import Glibc

extension LDAPHandle {
    /// Tells the server who the client is, and waits for its consent, at most the connect timeout.
    func bind(_ options: LDAPConnectionOptions) throws(LDAPError) {
        switch options.credentials {
        case .anonymous:
            return
        case .external:
            // An empty response is not the same as none, for which the server would ask.
            var nothing: CChar = 0
            let code = withUnsafeMutablePointer(to: &nothing) { pointer in
                var empty = berval(bv_len: 0, bv_val: pointer)
                return ldap_sasl_bind_s(ld, nil, "EXTERNAL", &empty, nil, nil, nil)
            }
            try check(code, "bind", subject: "SASL EXTERNAL at \(url)")
        case .simple(let dn, let password):
            try bind(dn: dn, password: password)
        case .scramSHA256(let user, let password):
            let subject = "SASL SCRAM-SHA-256 as \(user) at \(url)"
            guard !password.bytes.isEmpty, !user.isEmpty else {
                throw LDAPError(
                    code: .parameterError, operation: "bind", subject: subject,
                    diagnosticMessage: "the user or the password is empty")
            }
            try bind(
                "SCRAM-SHA-256", SASLAnswers(user: user, password: password.bytes), options, subject: subject)
        case .gssapi(let identity):
            let subject = "SASL GSSAPI at \(url)"
            let credential = try KerberosCredential(identity, subject: subject)
            try bind("GSSAPI", SASLAnswers(credential: credential), options, subject: subject)
        }
    }

    private func bind(dn: String, password: LDAPPassword) throws(LDAPError) {
        guard !password.bytes.isEmpty, !dn.utf8.contains(0) else {
            throw LDAPError(
                code: .parameterError, operation: "bind", subject: dn,
                diagnosticMessage: "the password is empty, or the DN has a NUL in it")
        }
        var bytes = password.bytes
        let code = bytes.withUnsafeMutableBytes { buffer in
            var credentials = berval(
                bv_len: ber_len_t(buffer.count), bv_val: buffer.baseAddress?.assumingMemoryBound(to: CChar.self))
            return ldap_sasl_bind_s(ld, dn, nil, &credentials, nil, nil, nil)
        }
        try check(code, "bind", subject: "\(dn) at \(url)")
    }

    // MARK: - SASL

    /// A bind of several steps (RFC 4511, section 4.2.1). Each message is waited for here, and not by libldap, so that
    /// all steps together have one timeout. What a mechanism does by itself (Kerberos asks its KDC) is not counted.
    private func bind(
        _ mechanism: String, _ answers: SASLAnswers, _ options: LDAPConnectionOptions, subject: String
    ) throws(LDAPError) {
        try configureSASL(mechanism, options)
        let clock = ContinuousClock()
        let end = clock.now + options.connectTimeout
        var mechanismInUse: UnsafePointer<CChar>?
        var messageID: Int32 = -1
        var answer: OpaquePointer?
        while true {
            let code = ldap_sasl_interactive_bind(
                ld, nil, mechanism, nil, nil, LDAP_SASL_QUIET, { SASLAnswers.answer($0, $2, $3) },
                Unmanaged.passUnretained(answers).toOpaque(), answer, &mechanismInUse, &messageID)
            // ldap_msgfree takes NULL as well.
            ldap_msgfree(answer)
            answer = nil
            guard code == LDAP_SASL_BIND_IN_PROGRESS else { return try checkSASL(code, subject: subject) }
            let (seconds, microseconds) = max(.zero, clock.now.duration(to: end)).secondsAndMicroseconds
            var timeout = timeval(tv_sec: seconds, tv_usec: microseconds)
            let type = ldap_result(ld, messageID, LDAP_MSG_ALL, &timeout, &answer)
            guard type != 0 else {
                throw LDAPError(
                    code: .timeout, operation: "bind", subject: subject,
                    diagnosticMessage: "no answer within \(options.connectTimeout)")
            }
            guard type > 0 else {
                throw LDAPError(
                    code: lastCode, operation: "bind", subject: subject, diagnosticMessage: lastMessage)
            }
        }
    }

    /// Over TLS and ldapi a security layer of SASL would encrypt a second time. Without them Kerberos has to sign and
    /// encrypt (128 bits at least): nothing may follow in the clear that the bind has made trustworthy.
    private func configureSASL(_ mechanism: String, _ options: LDAPConnectionOptions) throws(LDAPError) {
        var properties = "noplain,noanonymous"
        if options.isProtected {
            properties += ",maxssf=0"
        } else if mechanism == "GSSAPI" {
            properties += ",minssf=128"
        }
        try check(ldap_set_option(ld, LDAP_OPT_X_SASL_SECPROPS, properties), "bind")
        // The host is the one of the URL. What the reverse DNS says could be anyone's word. (Any pointer means "on";
        // libldap's own is a macro with a cast.)
        var on: Int32 = 1
        try check(ldap_set_option(ld, LDAP_OPT_X_SASL_NOCANON, &on), "bind")
    }

    private func checkSASL(_ code: Int32, subject: String) throws(LDAPError) {
        do {
            try check(code, "bind", subject: subject)
        } catch {
            var error = error
            // Kerberos's code does not come through Cyrus SASL; its text does.
            if error.code == .localError, error.diagnosticMessage.contains("Cannot contact any KDC") {
                error.code = .serverDown
            }
            throw error
        }
    }
}
