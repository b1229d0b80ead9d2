import Foundation

/// A slapd of a test's own: in a temporary folder, on a free port of 127.0.0.1, ended by its process ID.
public actor SlapdServer {
    /// What the server was asked to be like.
    public nonisolated let configuration: SlapdConfiguration
    /// The folder with its configuration, certificates (`ca.crt`), data and log (`slapd.log`).
    public nonisolated let folder: String

    private var port: UInt16 = 0
    private var tlsPort: UInt16 = 0
    private var process: ChildProcess?

    private init(configuration: SlapdConfiguration) throws {
        self.configuration = configuration
        // Short, since the path of a socket has at most 107 bytes.
        folder = "/tmp/slapd-\(UUID().uuidString.prefix(13))"
        for name in ["data", "accesslog"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
    }

    /// The server's URL on TCP without TLS.
    public var url: String { "ldap://127.0.0.1:\(port)" }
    /// The server's URL with TLS from the start.
    public var ldapsURL: String { "ldaps://127.0.0.1:\(tlsPort)" }
    /// The port of ``url``.
    public var portNumber: UInt16 { port }
    /// The URL of the server's socket.
    public nonisolated var ldapiURL: String {
        "ldapi://" + "\(folder)/ldapi".replacingOccurrences(of: "/", with: "%2F")
    }
    /// The PEM file of the CA that signed the server's certificate.
    public nonisolated var caFile: String { "\(folder)/ca.crt" }
    /// The administrator's DN.
    public nonisolated var rootDN: String { configuration.rootDN }
    /// The administrator's password.
    public nonisolated var rootPassword: String { configuration.rootPassword }
    /// The database's suffix.
    public nonisolated var suffix: String { configuration.suffix }
    /// The container for entries that the initial LDIF makes.
    public nonisolated var peopleDN: String { configuration.peopleDN }
    /// What the server has logged so far.
    public nonisolated var log: String {
        guard let data = FileManager.default.contents(atPath: "\(folder)/slapd.log") else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// A server that is running and accepts binds.
    static func start(_ configuration: SlapdConfiguration) async throws -> SlapdServer {
        let server = try SlapdServer(configuration: configuration)
        do {
            try await server.prepare()
            try await server.startOnFreePort()
        } catch {
            await server.remove()
            throw error
        }
        return server
    }

    private func prepare() async throws {
        if let tls = configuration.tls {
            try await TestCertificates.make(names: tls.names, clients: tls.clients, in: folder)
        }
        try configuration.file(folder: folder)
            .write(toFile: "\(folder)/slapd.conf", atomically: true, encoding: .utf8)
        try await load(ldif: configuration.initialLDIF ?? configuration.defaultLDIF)
    }

    /// Adds entries offline with slapadd. Throws if the server is running.
    public func load(ldif: String) async throws {
        guard process == nil else { throw TestSupportError("slapadd needs the server to be stopped") }
        let file = "\(folder)/load.ldif"
        try ldif.write(toFile: file, atomically: true, encoding: .utf8)
        try await runCommand(
            "/usr/sbin/slapadd", ["-q", "-w", "-b", suffix, "-f", "\(folder)/slapd.conf", "-l", file], logFolder: folder
        )
    }

    /// Stops the server and starts it with the same data and more lines (such as need another server's port, or other
    /// access rules) or schema.
    public func restart(databaseLines: [String] = [], schemaFiles: [String] = []) async throws {
        await stop()
        var changed = configuration
        changed.databaseLines += databaseLines
        changed.schemaFiles += schemaFiles
        try changed.file(folder: folder).write(toFile: "\(folder)/slapd.conf", atomically: true, encoding: .utf8)
        try await restart()
    }

    /// The database as slapcat writes it, entryUUIDs included. Throws if the server is running.
    public func dump() async throws -> String {
        guard process == nil else { throw TestSupportError("slapcat needs the server to be stopped") }
        let file = "\(folder)/dump.ldif"
        try await runCommand(
            "/usr/sbin/slapcat", ["-b", suffix, "-f", "\(folder)/slapd.conf", "-l", file], logFolder: folder)
        return try String(contentsOfFile: file, encoding: .utf8)
    }

    /// Replaces the database by one with these entries. Throws if the server is running.
    public func reload(ldif: String) async throws {
        try removeData()
        try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
        try await load(ldif: ldif)
    }

    /// Keeps a copy of the database, which `restoreData` brings back. Throws if the server is running.
    public func backUpData() async throws {
        guard process == nil else { throw TestSupportError("a backup needs the server to be stopped") }
        try await copy("\(folder)/data", to: "\(folder)/backup")
    }

    /// Takes the database of another server, or this one's backup. Throws if the server is running.
    public func restoreData(from path: String? = nil) async throws {
        try removeData()
        try await copy(path ?? "\(folder)/backup", to: "\(folder)/data")
    }

    private func removeData() throws {
        guard process == nil else { throw TestSupportError("the data of a running server cannot be replaced") }
        try FileManager.default.removeItem(atPath: "\(folder)/data")
    }

    /// A database of a few entries is a file of a gibibyte with hardly anything in it.
    private func copy(_ source: String, to destination: String) async throws {
        try await runCommand("/bin/cp", ["-r", "--sparse=always", source, destination], logFolder: folder)
    }

    /// Between looking for a port and slapd's using it, somebody else may have taken it; slapd does not always say so.
    private func startOnFreePort() async throws {
        for attempt in 1... {
            port = try LoopbackSocket.freePort()
            tlsPort = try LoopbackSocket.freePort()
            do {
                return try await restart()
            } catch  where attempt < 5 {
                continue
            }
        }
    }

    /// Starts the server with its data and its ports as they were, and waits until it accepts a bind.
    public func restart() async throws {
        guard process == nil else { throw TestSupportError("slapd is running already") }
        var urls = [url]
        if configuration.tls != nil { urls.append(ldapsURL) }
        if configuration.hasLDAPI { urls.append(ldapiURL) }
        // With -d slapd stays in the foreground, under the process ID that is known here.
        let arguments = ["-d", configuration.logLevel, "-f", "\(folder)/slapd.conf", "-h", urls.joined(separator: " ")]
        let started = try ChildProcess(
            "/usr/sbin/slapd", arguments, output: "\(folder)/slapd.log", environment: configuration.environment)
        process = started
        while !LoopbackSocket.canBind(port: port, dn: rootDN, password: rootPassword) {
            if let status = started.status {
                process = nil
                throw TestSupportError("slapd ended with \(status): \(log)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Ends the server in good order and waits for it; does nothing when it is not running.
    public func stop() async {
        await end(signal: SIGTERM)
    }

    /// Ends the server as a crash would, and waits for it; does nothing when it is not running.
    public func kill9() async {
        await end(signal: SIGKILL)
    }

    private func end(signal: Int32) async {
        guard let running = process else { return }
        process = nil
        running.send(signal: signal)
        await running.wait()
    }

    /// Starts the server again if it has crashed.
    ///
    /// - Returns: the exit status that it had then, as ``ChildProcess/status`` says it; nil if it lives.
    public func restartAfterCrash() async throws -> Int32? {
        while let process, !LoopbackSocket.canBind(port: port, dn: rootDN, password: rootPassword) {
            guard let status = process.status else {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            self.process = nil
            try await restart()
            return status
        }
        return nil
    }

    /// Stops the server and removes its folder.
    func remove() async {
        await stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Runs the body with a private slapd, which is stopped and removed afterwards, whatever the body does.
public func withSlapd<Value>(
    _ configuration: SlapdConfiguration = SlapdConfiguration(),
    isolation: isolated (any Actor)? = #isolation,
    _ body: (SlapdServer) async throws -> Value
) async throws -> Value {
    let server = try await SlapdServer.start(configuration)
    do {
        let value = try await body(server)
        await server.remove()
        return value
    } catch {
        await server.remove()
        throw error
    }
}
