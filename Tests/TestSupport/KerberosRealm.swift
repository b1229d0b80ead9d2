import Foundation

/// A Kerberos realm of a test's own, `INTERORG.TEST`: a KDC in a temporary folder, on a free port of 127.0.0.1, ended by
/// its process ID.
public final class KerberosRealm: Sendable {
    /// The folder with its database, its log and the keytabs.
    public let folder: String
    private let port: UInt16

    private init() throws {
        folder = "/tmp/krb5-\(UUID().uuidString.prefix(13))"
        port = try LoopbackSocket.freePort()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// What a process has in its environment that lives in this realm.
    public var environment: [String: String] { ["KRB5_CONFIG": "\(folder)/krb5.conf"] }

    /// Adds a principal of that name. Returns the path of a file with its key, which only its owner may read.
    public func keytab(of principal: String) async throws -> String {
        let path = "\(folder)/\(principal.replacingOccurrences(of: "/", with: "-")).keytab"
        try await administer("addprinc -randkey \(principal)")
        try await administer("ktadd -k \(path) \(principal)")
        return path
    }

    /// Fetches tickets with a keytab, as a person or a timer would. Returns the path of the credential cache.
    public func credentialCache(of principal: String, keytab: String) async throws -> String {
        let path = "\(folder)/\(principal).cache"
        try await runCommand(
            "/usr/bin/kinit", ["-c", "FILE:\(path)", "-k", "-t", keytab, principal], logFolder: folder,
            environment: environment)
        return path
    }

    private func administer(_ query: String) async throws {
        try await runCommand(
            "/usr/sbin/kadmin.local", ["-q", query], logFolder: folder, environment: serverEnvironment)
    }

    private var serverEnvironment: [String: String] {
        environment.merging(["KRB5_KDC_PROFILE": "\(folder)/kdc.conf"]) { $1 }
    }

    private func writeConfiguration() throws {
        // Over TCP: that the KDC is away shows at once.
        try """
        [libdefaults]
          default_realm = INTERORG.TEST
          dns_lookup_kdc = false
          dns_lookup_realm = false
          dns_canonicalize_hostname = false
          rdns = false
          udp_preference_limit = 1
        [realms]
          INTERORG.TEST = {
            kdc = 127.0.0.1:\(port)
          }
        [domain_realm]
          localhost = INTERORG.TEST
          127.0.0.1 = INTERORG.TEST

        """.write(toFile: "\(folder)/krb5.conf", atomically: true, encoding: .utf8)
        try """
        [kdcdefaults]
          kdc_listen = 127.0.0.1:\(port)
          kdc_tcp_listen = 127.0.0.1:\(port)
        [realms]
          INTERORG.TEST = {
            database_name = \(folder)/principal
            key_stash_file = \(folder)/stash
            supported_enctypes = aes256-cts-hmac-sha1-96:normal
          }
        [logging]
          kdc = FILE:\(folder)/kdc.log

        """.write(toFile: "\(folder)/kdc.conf", atomically: true, encoding: .utf8)
    }

    /// Runs the body with a realm whose KDC answers; it is ended and removed afterwards.
    static func run<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (KerberosRealm) async throws -> Value
    ) async throws -> Value {
        let realm = try KerberosRealm()
        defer { try? FileManager.default.removeItem(atPath: realm.folder) }
        try realm.writeConfiguration()
        try await runCommand(
            "/usr/sbin/kdb5_util", ["create", "-s", "-r", "INTERORG.TEST", "-P", UUID().uuidString],
            logFolder: realm.folder, environment: realm.serverEnvironment)
        // With -n it stays in the foreground, under the process ID that is known here.
        let kdc = try ChildProcess(
            "/usr/sbin/krb5kdc", ["-n"], output: "\(realm.folder)/kdc.out", environment: realm.serverEnvironment)
        let result: Result<Value, any Error>
        do {
            try await waitUntil("the KDC answers") { !kdc.isRunning || LoopbackSocket.accepts(port: realm.port) }
            guard kdc.isRunning else { throw TestSupportError("the KDC has ended; see \(realm.folder)/kdc.out") }
            result = .success(try await body(realm))
        } catch {
            result = .failure(error)
        }
        kdc.send(signal: 15)
        await kdc.wait()
        return try result.get()
    }
}

/// Runs the body with a private Kerberos realm.
public func withKerberosRealm<Value>(
    isolation: isolated (any Actor)? = #isolation, _ body: (KerberosRealm) async throws -> Value
) async throws -> Value {
    try await KerberosRealm.run(body)
}
