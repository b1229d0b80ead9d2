import LDAPClient
import TestSupport
import Testing

@Suite("Binding to a real slapd")
struct BindTests {
    private static let connector = "cn=interorg,dc=example"

    private static func ldif(password: String) -> String {
        """
        dn: dc=example
        objectClass: organization
        objectClass: dcObject
        o: example
        dc: example

        dn: \(connector)
        objectClass: organizationalRole
        objectClass: simpleSecurityObject
        cn: interorg
        userPassword: \(password)

        """
    }

    /// Who the server takes the connection for (RFC 4532).
    private func identity(_ options: LDAPConnectionOptions) async throws -> String {
        let connection = try await LDAPConnection.connect(options)
        defer { connection.close() }
        let value = try await connection.extended(oid: "1.3.6.1.4.1.4203.1.11.3").responseValue ?? []
        return String(decoding: value, as: UTF8.self)
    }

    private func expect(
        _ options: LDAPConnectionOptions, toBe dn: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await identity(options)
        #expect(found == "dn:\(dn)", sourceLocation: sourceLocation)
    }

    @Test("the user at the other end of the socket is who the server's authz-regexp says")
    func externalOnSocket() async throws {
        let mapping =
            "authz-regexp \"^gidNumber=[0-9]+[+]uidNumber=[0-9]+,cn=peercred,cn=external,cn=auth$\" \"\(Self.connector)\""
        try await withSlapd(SlapdConfiguration(globalLines: [mapping], hasLDAPI: true)) { server in
            let options = LDAPConnectionOptions(url: server.ldapiURL, credentials: .external)
            try await expect(options, toBe: Self.connector)
        }
    }

    @Test("a client certificate is who the server's authz-regexp says, over StartTLS and ldaps")
    func clientCertificate() async throws {
        let lines = ["TLSVerifyClient demand", "authz-regexp \"^cn=interorg$\" \"\(Self.connector)\""]
        let configuration = SlapdConfiguration(globalLines: lines, tls: .init(clients: ["interorg"]))
        try await withSlapd(configuration) { server in
            try await TestCertificates.makeCA("stranger", in: server.folder)
            for (url, startTLS) in [(await server.url, true), (await server.ldapsURL, false)] {
                var options = LDAPConnectionOptions(url: url, startTLS: startTLS, credentials: .external)
                options.caFile = server.caFile
                options.clientCertificate = certificate("interorg", of: server)
                try await expect(options, toBe: Self.connector)
                // One that is shown is no bind: the password still counts.
                options.credentials = await server.options().credentials
                try await expect(options, toBe: server.rootDN)

                for wrong in [nil, certificate("stranger", of: server)] {
                    options.clientCertificate = wrong
                    let error = await ldapError { _ = try await identity(options) }
                    // With TLS 1.3 the server may be seen to object in the handshake or after it.
                    #expect(
                        error?.description.contains("client certificate") == true,
                        "\(url) took \(String(describing: wrong)): \(String(describing: error))")
                }
            }
        }
    }

    @Test("a certificate file that cannot be used is named")
    func badCertificate() async throws {
        try await withSlapd(SlapdConfiguration(tls: .init(clients: ["interorg"]))) { server in
            var options = LDAPConnectionOptions(
                url: await server.ldapsURL, credentials: .external, caFile: server.caFile)
            let missing = "\(server.folder)/nobody.crt"
            options.clientCertificate = .init(certificateFile: missing, keyFile: "\(server.folder)/interorg.key")
            let unreadable = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(unreadable?.description.contains("\(missing) of the client's certificate cannot be read") == true)
            // Another one's key.
            options.clientCertificate = .init(
                certificateFile: "\(server.folder)/interorg.crt", keyFile: "\(server.folder)/server.key")
            let mismatch = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(mismatch?.code == .connectError && mismatch?.description.contains("interorg.crt") == true)
            // Without a certificate there is nothing that the connection proves.
            options.clientCertificate = nil
            let nothing = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(nothing?.operation == "bind" && nothing?.isTransient == false, "\(String(describing: nothing))")
            #expect(nothing?.advice != nil, "\(String(describing: nothing))")
        }
    }

    private func certificate(_ name: String, of server: SlapdServer) -> LDAPConnectionOptions.ClientCertificate {
        .init(certificateFile: "\(server.folder)/\(name).crt", keyFile: "\(server.folder)/\(name).key")
    }

    @Test("SCRAM-SHA-256 proves the password to both sides without sending it, in the clear and over TLS")
    func scram() async throws {
        let lines = [
            "password-hash {CLEARTEXT}",
            "authz-regexp \"^uid=([^,]+),(cn=[^,]+,)?cn=scram-sha-256,cn=auth$\" \"cn=$1,dc=example\"",
        ]
        let configuration = SlapdConfiguration(
            globalLines: lines, tls: .init(), logLevel: "stats", initialLDIF: Self.ldif(password: "open sesame"))
        try await withSlapd(configuration) { server in
            let password = LDAPPassword("open sesame")
            var options = LDAPConnectionOptions(
                url: await server.url, credentials: .scramSHA256(user: "interorg", password: password))
            try await expect(options, toBe: Self.connector)
            options.startTLS = true
            options.caFile = server.caFile
            try await expect(options, toBe: Self.connector)
            #expect(server.log.contains("mech=SCRAM-SHA-256"))
            // slapd's answer to a user that it does not find has no code of its own.
            for (user, password, code) in [
                ("interorg", "open barley", LDAPResultCode.invalidCredentials), ("nobody", "open sesame", .other),
            ] {
                options.credentials = .scramSHA256(user: user, password: LDAPPassword(password))
                let error = await ldapError { _ = try await identity(options) }
                #expect(error?.code == code, "\(String(describing: error))")
                #expect(error?.advice?.contains("how the server maps the user") == true)
                #expect(error?.description.contains(password) == false)
            }
            options.credentials = .scramSHA256(user: "interorg", password: LDAPPassword(""))
            #expect(await ldapError { _ = try await identity(options) }?.code == .parameterError)
        }
    }

    @Test("a mechanism that the server does not offer is refused, and the error says where to look")
    func notOffered() async throws {
        // slapd offers none that would send a weaker proof than this.
        let configuration = SlapdConfiguration(globalLines: ["sasl-secprops noplain,noanonymous,minssf=56"])
        try await withSlapd(configuration) { server in
            let options = LDAPConnectionOptions(
                url: await server.url, credentials: .scramSHA256(user: "x", password: LDAPPassword("y")))
            let error = await ldapError { _ = try await identity(options) }
            #expect(error?.operation == "bind" && error?.isTransient == false, "\(String(describing: error))")
        }
    }

    @Test("a SASL bind that gets no answer ends with the connect timeout")
    func silentServer() async throws {
        try await withSilentServer { port in
            let options = LDAPConnectionOptions(
                url: "ldap://127.0.0.1:\(port)",
                credentials: .scramSHA256(user: "x", password: LDAPPassword("y")), connectTimeout: .milliseconds(300))
            let error = await ldapError { _ = try await LDAPConnection.connect(options) }
            #expect(error?.code == .timeout && error?.operation == "bind", "\(String(describing: error))")
        }
    }

    @Test("Kerberos without credentials says what is missing")
    func noKerberos() async throws {
        try await withSlapd { server in
            var options = LDAPConnectionOptions(url: await server.url)
            options.credentials = .gssapi(.init(keytab: "/nowhere/interorg.keytab"))
            let noKeytab = await ldapError { _ = try await identity(options) }
            #expect(noKeytab?.code == .localError)
            #expect(noKeytab?.description.contains("/nowhere/interorg.keytab cannot be read: No such file") == true)
            options.credentials = .gssapi(.init(credentialCache: "/nowhere/cache"))
            let noCache = await ldapError { _ = try await identity(options) }
            #expect(noCache?.code == .localError)
            #expect(noCache?.description.contains("no Kerberos credentials") == true, "\(String(describing: noCache))")
        }
    }
}
