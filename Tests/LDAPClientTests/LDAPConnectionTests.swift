import LDAPClient
import TestSupport
import Testing

@Suite("Connecting to a real slapd")
struct LDAPConnectionTests {
    @Test("StartTLS, ldaps and ldapi work, and the certificate has to be right")
    func transports() async throws {
        try await withSlapd(SlapdConfiguration(hasLDAPI: true, tls: .init())) { server in
            for (url, startTLS) in [(await server.url, true), (await server.ldapsURL, false)] {
                var options = await server.options(url: url)
                options.startTLS = startTLS
                let untrusted = await ldapError { _ = try await LDAPConnection.connect(options) }
                #expect(untrusted?.code == .connectError, "\(url): \(String(describing: untrusted))")
                options.caFile = server.caFile
                let connection = try await LDAPConnection.connect(options)
                let rootDSE = try await connection.rootDSE()
                #expect(rootDSE.text("namingContexts") == server.suffix)
                connection.close()
            }
            let local = try await LDAPConnection.connect(await server.options(url: server.ldapiURL))
            #expect(try await local.entry(dn: server.suffix) != nil)
            local.close()

            var external = await server.options(url: server.ldapiURL)
            external.credentials = .external
            let peer = try await LDAPConnection.connect(external)
            let identity = try await peer.extended(oid: "1.3.6.1.4.1.4203.1.11.3").responseValue ?? []
            #expect(String(decoding: identity, as: UTF8.self).contains("cn=peercred,cn=external,cn=auth"))
            peer.close()
        }
    }

    @Test("a certificate for another host is refused, unless verification is switched off")
    func hostnameMismatch() async throws {
        try await withSlapd(SlapdConfiguration(tls: .init(names: ["DNS:other.example"]))) { server in
            for (url, startTLS) in [(await server.url, true), (await server.ldapsURL, false)] {
                var options = await server.options(url: url)
                options.startTLS = startTLS
                options.caFile = server.caFile
                let error = await ldapError { _ = try await LDAPConnection.connect(options) }
                #expect(error?.code == .connectError, "\(url): \(String(describing: error))")
                #expect(error?.isTransient == false)
                options.verification = .unverified
                try await LDAPConnection.connect(options).close()
            }
        }
    }

    @Test("a server that speaks only TLS 1.1 is refused")
    func oldTLS() async throws {
        let tls = SlapdConfiguration.TLS(cipherSuite: "NORMAL:-VERS-ALL:+VERS-TLS1.1")
        try await withSlapd(SlapdConfiguration(tls: tls)) { server in
            var options = await server.options(url: server.ldapsURL)
            options.verification = .unverified
            let error = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(error?.code == .connectError)
            #expect(error?.description.contains("TLS") == true)
        }
    }

    @Test("TLS is refused by a server that has none, and there is no falling back")
    func noTLS() async throws {
        try await withSlapd { server in
            var options = await server.options()
            options.startTLS = true
            options.verification = .unverified
            let error = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(error?.operation == "startTLS")
            #expect(error?.code == .protocolError)
        }
    }

    @Test("a wrong or empty password is refused, and does not show")
    func refusedBind() async throws {
        try await withSlapd { server in
            var options = await server.options()
            options.credentials = .simple(dn: server.rootDN, password: LDAPPassword("open sesame"))
            let error = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(error?.code == .invalidCredentials && error?.operation == "bind")
            #expect(error?.description.hasPrefix("bind \(server.rootDN) at ldap://") == true)
            var dumped = ""
            dump(options, to: &dumped)
            #expect(!"\(options) \(dumped) \(String(describing: error))".contains("sesame"))
            options.credentials = .simple(dn: server.rootDN, password: LDAPPassword(""))
            let empty = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(empty?.code == .parameterError)
        }
    }

    @Test("a server that is not there is a transient error that says why")
    func unreachable() async throws {
        let url = try await withSlapd { server in await server.url }
        let error = await ldapError { _ = try await LDAPConnection.connect(LDAPConnectionOptions(url: url)) }
        #expect(error?.code == .serverDown && error?.isTransient == true)
        #expect(error?.description.hasPrefix("connect \(url): -1 serverDown: the connection was refused") == true)
        let bad = await ldapError { _ = try await LDAPConnection.connect(LDAPConnectionOptions(url: "http://x")) }
        #expect(bad?.code == .parameterError && bad?.isTransient == false)
        let unknown = LDAPConnectionOptions(url: "ldap://no-such-host.invalid", connectTimeout: .seconds(5))
        #expect(await ldapError { _ = try await LDAPConnection.connect(unknown) }?.code == .serverDown)
    }

    @Test("connecting ends at once when its task is cancelled")
    func cancelledConnect() async throws {
        // A listening socket whose owner never answers: the bind waits.
        try await withSilentServer { port in
            let options = LDAPConnectionOptions(
                url: "ldap://127.0.0.1:\(port)", credentials: .simple(dn: "cn=x", password: LDAPPassword("y")),
                connectTimeout: .seconds(3))
            let task = Task { try await LDAPConnection.connect(options) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let late = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(late?.code == .timeout && late?.operation == "bind")
        }
    }

    @Test("an operation that gets no answer fails after its time, and the others go on")
    func operationTimeout() async throws {
        try await withSilentServer { port in
            let options = LDAPConnectionOptions(
                url: "ldap://127.0.0.1:\(port)", operationTimeout: .milliseconds(200))
            let connection = try await LDAPConnection.connect(options)
            defer { connection.close() }
            let deletion = await ldapError { try await connection.delete(dn: "cn=x") }
            #expect(deletion?.code == .timeout && deletion?.isTransient == true)
            let search = await ldapError { _ = try await connection.entries(base: "") }
            #expect(search?.code == .timeout && search?.operation == "search")
        }
    }

    @Test("what waits for its turn fails along with what a silent server does not answer", .timeLimit(.minutes(1)))
    func waitingTimeout() async throws {
        try await withSilentServer { port in
            // One after the other, in groups of eight, they would take more than four minutes.
            let options = LDAPConnectionOptions(url: "ldap://127.0.0.1:\(port)", operationTimeout: .seconds(2))
            let connection = try await LDAPConnection.connect(options)
            defer { connection.close() }
            let results = try await connection.perform((1...1_000).map { .delete(dn: "cn=\($0)") })
            #expect(results.count == 1_000)
            for result in results { #expect(await ldapError { _ = try result.get() }?.code == .timeout) }
        }
    }

    @Test("a server that takes no data is a lost connection, not a stuck one")
    func noReader() async throws {
        try await withSilentServer { port in
            let options = LDAPConnectionOptions(
                url: "ldap://127.0.0.1:\(port)", operationTimeout: .milliseconds(300))
            let connection = try await LDAPConnection.connect(options)
            let large = LDAPAttribute("jpegPhoto", [[UInt8](repeating: 1, count: 32 << 20)])
            let error = await ldapError { try await connection.add(dn: "cn=x", attributes: [large]) }
            #expect(error?.code == .serverDown && error?.operation == "add")
            #expect(!connection.isOpen)
        }
    }

    @Test("the environment and ldaprc do not change where we connect")
    func environment() async throws {
        try await withSlapd { server in
            // LDAPNOINIT is set before libldap's first use; a connection proves that it has been used.
            let connection = try await server.connect()
            defer { connection.close() }
            #expect(environmentVariable("LDAPNOINIT") != nil)
        }
    }
}
