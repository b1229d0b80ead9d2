import InterOrgServices
import Testing

@Suite("Who the service is to its directory")
struct ConfigurationBindTests {
    private static let simple = "{ dn: \"cn=interorg,dc=a,dc=example\", passwordFile: ldap.secret }"
    private static let plain = ConfigurationExample.requestor
        .with("ldap://ldap.a.example\n  startTLS: true", "ldap://ldap.a.example\n  startTLS: false")
    private static let ldaps = ConfigurationExample.requestor
        .with("ldap://ldap.a.example\n  startTLS: true", "ldaps://ldap.a.example\n  startTLS: false")
    private static let withCertificate = ldaps.with(
        "caFile: ca.pem", "caFile: ca.pem\n  certificate: ca.pem\n  key: a.key")

    private func withFolder(_ body: (ConfigurationFolder) throws -> Void) throws {
        try ConfigurationFolder.with { folder in
            try folder.write("key", to: "a.key")
            try folder.write("keys", to: "a.keytab")
            try body(folder)
        }
    }

    @Test("can be said by a password that is never sent")
    func scram() throws {
        try withFolder { folder in
            let text = ConfigurationExample.requestor
                .with(Self.simple, "{ mechanism: SCRAM-SHA-256, user: interorg, passwordFile: ldap.secret }")
            let password = Secret(ConfigurationFolder.directoryPassword)
            let bind = try folder.load(text).directory.bind
            #expect(bind == .scramSHA256(user: "interorg", password: password))
        }
    }

    @Test("can be said by Kerberos, which protects a connection without TLS as well")
    func gssapi() throws {
        try withFolder { folder in
            let directory = try folder.load(
                Self.plain.with(Self.simple, "{ mechanism: GSSAPI, keytab: a.keytab, principal: interorg@A.EXAMPLE }")
            ).directory
            let keytab = folder.path + "/a.keytab"
            #expect(
                directory.bind == .gssapi(principal: "interorg@A.EXAMPLE", keytab: keytab, credentialCache: nil))
            #expect(directory.transportSecurity == .kerberos)
            // The cache need not be there yet.
            let cached = try folder.load(Self.plain.with(Self.simple, "{ mechanism: GSSAPI, credentialCache: cc }"))
            #expect(
                cached.directory.bind
                    == .gssapi(principal: nil, keytab: nil, credentialCache: folder.path + "/cc"))
            let environment = try folder.load(ConfigurationExample.requestor.with(Self.simple, "{ mechanism: GSSAPI }"))
            #expect(environment.directory.bind == .gssapi(principal: nil, keytab: nil, credentialCache: nil))
            #expect(environment.directory.transportSecurity == .startTLS)
        }
    }

    @Test("can be what the connection proves: a client certificate, or the user at the other end of a socket")
    func external() throws {
        try withFolder { folder in
            let directory = try folder.load(Self.withCertificate.with(Self.simple, "{ mechanism: EXTERNAL }")).directory
            #expect(directory.bind == .external)
            #expect(directory.clientCertificate?.file == folder.path + "/ca.pem")
            #expect(directory.clientCertificate?.keyFile == folder.path + "/a.key")
            let local = try folder.load(
                ConfigurationExample.master
                    .with("slapd%2Fldapi\n", "slapd%2Fldapi\n  bind: { mechanism: EXTERNAL }\n"))
            #expect(local.directory.bind == .external)
        }
    }

    @Test(
        "is refused where it cannot work, with what to do",
        arguments: [
            (Self.ldaps, "{ mechanism: EXTERNAL }", "directory.bind: EXTERNAL is what the connection itself proves"),
            (Self.ldaps, "{ mechanism: PLAIN }", "directory.bind.mechanism: \"PLAIN\" is not known; allowed: EXTERNAL"),
            (Self.ldaps, "{ mechanism: SCRAM-SHA-256, user: x }", "directory.bind: a password is missing"),
            (
                Self.ldaps, "{ mechanism: SCRAM-SHA-256, passwordFile: ldap.secret }",
                "directory.bind: the key \"user\" is missing"
            ),
            (
                Self.ldaps, "{ mechanism: GSSAPI, dn: \"cn=x\" }",
                "directory.bind.dn: this does not belong to mechanism GSSAPI, which has the keys principal, keytab"
            ),
            (
                Self.withCertificate, "{ mechanism: EXTERNAL, user: x }",
                "directory.bind.user: this does not belong to mechanism EXTERNAL, which has no other keys"
            ),
            (
                Self.ldaps, "{ dn: \"cn=x\", passwordFile: ldap.secret, keytab: a.keytab }",
                "directory.bind.keytab: this does not belong to a bind without a mechanism, which has the keys dn"
            ),
            (
                Self.ldaps, "{ mechanism: GSSAPI, keytab: a.keytab, credentialCache: cc }",
                "directory.bind: \"keytab\" and \"credentialCache\" are alternatives"
            ),
            (Self.ldaps, "{ mechanism: GSSAPI, keytab: none }", "directory.bind.keytab: the file"),
            (
                Self.plain, "{ mechanism: SCRAM-SHA-256, user: x, passwordFile: ldap.secret }",
                "directory.url: ldap:// to ldap.a.example would send everything in the clear"
            ),
        ]
    )
    func mistakes(text: String, bind: String, message: String) throws {
        try withFolder { folder in
            let problems = try folder.problems(text.with(Self.simple, bind))
            #expect(problems.count == 1)
            #expect(problems.first?.contains(message) == true, "\(problems)")
        }
    }

    @Test("by a certificate needs its key, and TLS to show it in")
    func certificates() throws {
        try withFolder { folder in
            let keyless = try folder.problems(Self.withCertificate.with("\n  key: a.key", ""))
            #expect(keyless.count == 1 && keyless[0].contains("the key \"key\" is missing"))
            let plain = try folder.problems(
                Self.withCertificate.with("ldaps://ldap.a.example", "ldap://127.0.0.1"))
            #expect(plain.count == 1 && plain[0].contains("directory.certificate: a client certificate is shown when"))
        }
    }

    @Test(
        "a key or a keytab that everybody may read is refused, with its name and what to do", arguments: [0o644, 0o604])
    func openKeys(mode: Int) throws {
        try withFolder { folder in
            try folder.write("key", to: "a.key", mode: mode)
            try folder.write("keys", to: "a.keytab", mode: mode)
            let keys = try folder.problems(Self.withCertificate)
            #expect(keys.count == 1 && keys[0].contains("run chmod 600 \(folder.path)/a.key"), "\(keys)")
            let keytabs = try folder.problems(Self.ldaps.with(Self.simple, "{ mechanism: GSSAPI, keytab: a.keytab }"))
            #expect(keytabs.count == 1 && keytabs[0].contains("run chmod 600 \(folder.path)/a.keytab"), "\(keytabs)")
            // Its group may read it: keys are shared so.
            try folder.write("key", to: "a.key", mode: 0o640)
            #expect(try folder.problems(Self.withCertificate).isEmpty)
        }
    }
}
