import Foundation
import LDAPClient
import TestSupport
import Testing

/// Kerberos reads its configuration from the environment, so its client is a process: the service itself.
@Suite("A service that binds with Kerberos", .serialized)
struct KerberosTests {
    /// Three organizations; the second requestor's directory knows its service by Kerberos.
    private func withKerberos(
        people: Int, _ body: (Exchange, KerberosRealm, _ keytab: String) async throws -> Void
    ) async throws {
        try await withKerberosRealm { realm in
            let serverKeytab = try await realm.keytab(of: "ldap/127.0.0.1")
            let keytab = try await realm.keytab(of: "interorg")
            try await withExchange(
                people: people,
                globalLines: [
                    "sasl-host 127.0.0.1", "sasl-realm INTERORG.TEST",
                    "authz-regexp \"^uid=interorg,(cn=[^,]+,)?cn=gssapi,cn=auth$\" \"cn=admin,dc=b\"",
                ],
                adjust: { configuration in
                    configuration.tls = .init()
                    configuration.logLevel = "stats"
                    configuration.environment = realm.environment.merging(["KRB5_KTNAME": serverKeytab]) { $1 }
                },
                { exchange in
                    exchange.b.environment = realm.environment
                    try await body(exchange, realm, keytab)
                })
        }
    }

    private static let password = "{ dn: \"cn=admin,dc=b\", passwordFile: ldap.secret }"

    @Test("and a keytab: everything is read and written under Kerberos's own encryption", .timeLimit(.minutes(10)))
    func securityLayer() async throws {
        try await withKerberos(people: 40) { exchange, _, keytab in
            try exchange.b.reconfigure(Self.password, "{ mechanism: GSSAPI, keytab: \(keytab) }")
            // Several packets of the security layer, and values that are longer than one.
            for organization in [exchange.a, exchange.b] {
                try await organization.withDirectory { connection in
                    for number in 0..<20 {
                        let title = String(repeating: "long \(number) ", count: 3_000 + 500 * number)
                        try await connection.addPerson(
                            "long\(number)", in: organization.exportBase, title: title)
                    }
                }
            }
            try exchange.start()
            try await exchange.converge()
            let binds = exchange.b.server.log.split(separator: "\n").filter { $0.contains("mech=GSSAPI") }
            #expect(!binds.isEmpty)
            #expect(binds.allSatisfy { $0.contains("ssf=256") && $0.contains("dn=\"cn=admin,dc=b\"") }, "\(binds)")
            #expect(try await exchange.b.command("problems").output == "no problems\n")
        }
    }

    @Test("over TLS, with a keytab, a credential cache, or what the environment names", .timeLimit(.minutes(10)))
    func credentials() async throws {
        try await withKerberos(people: 2) { exchange, realm, keytab in
            let cache = try await realm.credentialCache(of: "interorg", keytab: keytab)
            let b = exchange.b
            try b.reconfigure("  mapping:", "  startTLS: true\n  caFile: \(b.server.caFile)\n  mapping:")
            var bind = Self.password
            for (next, environment) in [
                ("{ mechanism: GSSAPI, keytab: \(keytab), principal: interorg@INTERORG.TEST }", [:]),
                ("{ mechanism: GSSAPI, credentialCache: \(cache) }", [:]),
                ("{ mechanism: GSSAPI }", ["KRB5CCNAME": "FILE:\(cache)"]),
                (
                    "{ mechanism: GSSAPI, principal: interorg }",
                    ["KRB5_CLIENT_KTNAME": keytab, "KRB5CCNAME": "FILE:\(b.folder)/new.cache"]
                ),
            ] {
                try b.reconfigure(bind, next)
                bind = next
                b.environment = realm.environment.merging(environment) { $1 }
                let result = try await b.command("sync", "--wait", "0", "--json")
                // Nobody takes the mail: that is all that is missing.
                let failures = try #require(try result.json()["failures"] as? [String])
                #expect(
                    failures.count == 1 && failures[0].contains("submit the mail to interorg@hq.example"),
                    "\(next): \(failures)")
            }
            // Under TLS there is no second encryption.
            #expect(b.server.log.contains("mech=GSSAPI bind_ssf=0 ssf=256"), "\(b.server.log)")
        }
    }

    @Test("but without the right ones says what to correct", .timeLimit(.minutes(10)))
    func wrongCredentials() async throws {
        try await withKerberos(people: 1) { exchange, realm, keytab in
            let b = exchange.b
            try b.reconfigure(Self.password, "{ mechanism: GSSAPI, keytab: \(keytab), principal: nobody }")
            let nobody = try await b.command("sync", "--wait", "0")
            #expect(nobody.status == 2)
            #expect(nobody.errors.contains("no Kerberos credentials"), "\(nobody.errors)")
            try b.reconfigure(", principal: nobody", "")
            // A name under which the KDC does not know the server.
            try b.reconfigure("url: ldap://127.0.0.1", "url: ldap://localhost")
            let unknown = try await b.command("sync", "--wait", "0")
            #expect(unknown.status == 2)
            #expect(unknown.errors.contains("ldap/localhost@INTERORG.TEST not found"), "\(unknown.errors)")
            #expect(unknown.errors.contains("the host's name as the KDC knows it"))
        }
    }
}
