import Foundation
import LDAPClient
import Synchronization
import TestSupport

/// One organization of an exchange: a slapd, a configuration as a user writes it, and `interorg run` as a process.
final class Organization: Sendable {
    let name: String
    let server: SlapdServer
    /// Where its configuration, state and logs are.
    let folder: String
    let mailPort: UInt16
    /// What its service and commands have in their environment besides what this process has.
    var environment: [String: String] {
        get { variables.withLock { $0 } }
        set { variables.withLock { $0 = newValue } }
    }
    private let variables = Mutex<[String: String]>([:])
    private let running = Mutex<ChildProcess?>(nil)
    private let starts = Atomic(0)

    init(_ name: String, server: SlapdServer) throws {
        self.name = name
        self.server = server
        // Short, since the state folder holds a socket, whose path has at most 107 bytes.
        folder = "/tmp/interorg-\(name)-\(UUID().uuidString.prefix(8))"
        mailPort = try LoopbackSocket.freePort()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write("\(server.rootPassword)\n", to: "ldap.secret")
    }

    var address: String { "interorg@\(name).example" }
    var suffix: String { server.suffix }
    var exportBase: String { "ou=people,\(suffix)" }
    var importBase: String { "ou=interorg,\(suffix)" }
    /// The organization's certificate, as a name in its folder and in those of the others.
    var certificateFile: String { "\(name).crt" }
    var configurationPath: String { "\(folder)/interorg.yaml" }

    func write(_ text: String, to file: String) throws {
        let path = "\(folder)/\(file)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// Writes the configuration.
    ///
    /// - Parameters:
    ///   - exchange: the lines of the section that depend on the others.
    ///   - isSealed: whether mail is signed and encrypted.
    ///   - more: lines after the other sections.
    func configure(exchange: String, every interval: String, isSealed: Bool, more: String) async throws {
        try write(
            """
            organization: \(name)
            role: \(exchange.contains("requestors:") ? "master" : "requestor")
            state: state
            directory:
              url: \(await server.url)
              bind: { dn: "\(server.rootDN)", passwordFile: ldap.secret }
              export: [{ base: "\(exportBase)" }]
              import: { base: "\(importBase)" }
              mapping: inetOrgPerson
            exchange:
              \(isSealed ? "identity: { certificate: \(certificateFile), key: own.key }" : "insecure: true")
              address: \(address)
              inbox: { smtp: "127.0.0.1:\(mailPort)" }
            \(exchange)
            schedule: { every: \(interval) }
            \(more)

            """, to: "interorg.yaml")
    }

    /// Replaces a part of the configuration, which must be in it.
    func reconfigure(_ old: String, _ new: String) throws {
        let text = try String(contentsOfFile: configurationPath, encoding: .utf8)
        guard text.contains(old) else { throw TestSupportError("the configuration of \(name) has no \(old)") }
        try write(text.replacingOccurrences(of: old, with: new), to: "interorg.yaml")
    }

    // MARK: - Processes

    func start() throws {
        let number = starts.add(1, ordering: .relaxed).newValue
        let child = try ChildProcess(
            InterOrgCommand.path, ["run", "--verbose", "--config", configurationPath],
            output: "\(folder)/run-\(number).log", environment: environment)
        running.withLock { $0 = child }
    }

    /// What the service that was started last has logged.
    var log: String {
        let path = "\(folder)/run-\(starts.load(ordering: .relaxed)).log"
        return FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Whether the service has been started and has not ended.
    var isRunning: Bool { running.withLock { $0?.isRunning ?? false } }

    /// Ends the service with a signal; its exit status.
    @discardableResult
    func end(signal: Int32) async -> Int32? {
        let child = running.withLock { child in
            defer { child = nil }
            return child
        }
        child?.send(signal: signal)
        return await child?.wait()
    }

    /// Runs `interorg <arguments> --config …` to its end.
    func command(_ arguments: String...) async throws -> InterOrgCommand.Result {
        try await InterOrgCommand.run(
            arguments + ["--config", configurationPath], folder: folder, environment: environment)
    }

    /// Runs a command that has to end well; what it printed.
    @discardableResult
    func done(_ arguments: String...) async throws -> String {
        let result = try await InterOrgCommand.run(
            arguments + ["--config", configurationPath], folder: folder, environment: environment)
        guard result.status == 0 else {
            throw TestSupportError("interorg \(arguments.joined(separator: " ")) of \(name): \(result.errors)")
        }
        return result.output
    }

    /// Trusts the certificate that another organization has made, by the fingerprint that it shows.
    func trust(_ other: Organization) async throws {
        let shown = try await InterOrgCommand.run(
            ["keys", "show", "--json", "--config", other.configurationPath], folder: other.folder)
        let keys = try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [[String: Any]] ?? []
        guard let fingerprint = keys.first(where: { $0["isOwn"] as? Bool == true })?["fingerprint"] as? String else {
            throw TestSupportError("\(other.name) shows no certificate of its own: \(shown.output)\(shown.errors)")
        }
        let file = "\(other.folder)/\(other.certificateFile)"
        try await done("keys", "trust", other.name, file, "--fingerprint", fingerprint)
    }

    /// Hands a mail to `interorg receive`, as a mail server's pipe does.
    func receive(_ mail: [UInt8], from sender: String?, _ environment: [String: String] = [:]) async throws
        -> InterOrgCommand.Result
    {
        try await InterOrgCommand.run(
            ["receive", "--config", configurationPath] + (sender.map { ["--sender", $0] } ?? []), input: mail,
            folder: folder, environment: environment)
    }

    func remove() async {
        await end(signal: SIGKILL)
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: - The directory

    /// Uses the directory as its administrator.
    @discardableResult
    func withDirectory<Result>(_ body: (LDAPConnection) async throws -> Result) async throws -> Result {
        let connection = try await LDAPConnection.connect(
            LDAPConnectionOptions(
                url: await server.url,
                credentials: .simple(dn: server.rootDN, password: LDAPPassword(server.rootPassword))))
        defer { connection.close() }
        return try await body(connection)
    }

    /// What changes with every write to the directory.
    func contextCSN() async throws -> [[UInt8]] {
        try await withDirectory { try await $0.entry(dn: suffix, attributes: ["contextCSN"])?["contextCSN"] ?? [] }
    }
}

extension LDAPConnection {
    func addPerson(_ name: String, in container: String, title: String) async throws {
        try await add(
            dn: "uid=\(name),\(container)",
            attributes: [
                LDAPAttribute("objectClass", "inetOrgPerson"), LDAPAttribute("uid", name), LDAPAttribute("cn", name),
                LDAPAttribute("sn", "Person"), LDAPAttribute("title", title),
            ])
    }
}
