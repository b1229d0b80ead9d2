import Foundation

/// A postfix of a test's own: in a temporary folder, on ports of 127.0.0.1, ended by its process ID. Several run side by
/// side. Its master has to be started by root.
public actor PostfixServer {
    /// Why no postfix can be started here; nil if it can.
    public static var unavailable: String? {
        if geteuid() != 0 { return "postfix can only be started by root" }
        let master = FileManager.default.isExecutableFile(atPath: masterPath)
        return master ? nil : "\(masterPath) is not there: scripts/bootstrap installs it"
    }

    private static let masterPath = "/usr/lib/postfix/sbin/master"

    public private(set) var configuration: PostfixConfiguration
    /// The folder with its configuration (`etc`), queue, log (`postfix.log`), Maildirs and certificates (`ca.crt`).
    public nonisolated let folder: String
    private var process: ChildProcess?

    private init(_ configuration: PostfixConfiguration) {
        self.configuration = configuration
        url = "smtp://127.0.0.1:\(configuration.port)"
        folder = "/tmp/postfix-\(UUID().uuidString.prefix(13))"
    }

    /// The URL of the port that takes mail from anybody on this machine.
    public nonisolated let url: String
    /// The PEM file of the CA that signed the certificate of the submission ports.
    public nonisolated var caFile: String { "\(folder)/ca.crt" }
    /// What the server has logged so far.
    public nonisolated var log: String {
        FileManager.default.contents(atPath: "\(folder)/postfix.log").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The mails in a Maildir of the server's, in the order of their coming.
    public nonisolated func mails(inMaildir name: String) -> [[UInt8]] {
        let path = "\(folder)/maildir/\(name)/new"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return files.sorted().compactMap { FileManager.default.contents(atPath: "\(path)/\($0)").map { Array($0) } }
    }

    private func prepare() async throws {
        if let reason = Self.unavailable { throw TestSupportError(reason) }
        let files = FileManager.default
        let user = getpwnam("postfix"), group = getgrnam("postdrop")
        guard let user, let group else { throw TestSupportError("there is no user postfix or no group postdrop") }
        func makeFolder(_ name: String, mode: Int, owner: uid_t = 0, group: gid_t = 0) throws {
            let path = "\(folder)/\(name)"
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            guard chown(path, owner, group) == 0 else { throw TestSupportError("chown of \(path): errno \(errno)") }
        }
        // What `postfix check` would make, which takes three seconds.
        for name in ["etc", "etc/sasl", "queue", "queue/pid"] { try makeFolder(name, mode: 0o755) }
        let owner = user.pointee.pw_uid
        let queues = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private"]
        for name in queues + ["saved", "trace"] { try makeFolder("queue/\(name)", mode: 0o700, owner: owner) }
        try makeFolder("queue/public", mode: 0o710, owner: owner, group: group.pointee.gr_gid)
        try makeFolder("queue/maildrop", mode: 0o730, owner: owner, group: group.pointee.gr_gid)
        try makeFolder("data", mode: 0o700, owner: owner)
        try makeFolder("maildir", mode: 0o700, owner: 65534, group: 65534)
        try configuration.write(folder: folder)
        guard let submission = configuration.submission else { return }
        try await TestCertificates.make(names: ["DNS:localhost", "IP:127.0.0.1"], clients: [], in: folder)
        try submission.password.write(toFile: "\(folder)/password", atomically: true, encoding: .utf8)
        try await runCommand(
            "/bin/sh",
            [
                "-c",
                "saslpasswd2 -p -c -f '\(folder)/sasldb2' -u '\(configuration.domain)' '\(submission.user)' < '\(folder)/password'",
            ], logFolder: folder, environment: ["PATH": "/usr/sbin:/usr/bin:/bin"])
        guard chown("\(folder)/sasldb2", owner, 0) == 0 else { throw TestSupportError("chown of sasldb2 failed") }
    }

    /// Starts the server with its queue, and waits until it takes connections.
    public func start() async throws {
        guard process == nil else { throw TestSupportError("postfix is running already") }
        // With -s it stays in the foreground, as the leader of a session of its own.
        let started = try ChildProcess(
            Self.masterPath, ["-c", "\(folder)/etc", "-s"], output: "\(folder)/master.out",
            environment: ["MAIL_CONFIG": "\(folder)/etc"])
        process = started
        let port = configuration.port
        try await waitUntil("postfix takes connections") {
            if let status = started.status {
                process = nil
                let said = (try? String(contentsOfFile: "\(folder)/master.out", encoding: .utf8)) ?? ""
                throw TestSupportError("postfix ended with \(status): \(said)\(log)")
            }
            return LoopbackSocket.accepts(port: port)
        }
    }

    /// Ends the server in good order and starts it with another configuration; what it has taken stays in its queue.
    public func restart(_ adjust: (inout PostfixConfiguration) -> Void) async throws {
        await stop()
        adjust(&configuration)
        try configuration.write(folder: folder)
        try await start()
    }

    /// Ends the server in good order; what it has taken stays in its queue.
    public func stop() async { await end(signal: SIGTERM) }

    /// Ends all of the server's processes as a crash would.
    public func kill9() async { await end(signal: SIGKILL) }

    private func end(signal: Int32) async {
        guard let running = process else { return }
        process = nil
        // The master is the leader of its group, which has all processes of the server.
        if running.isRunning { kill(-running.processID, signal) }
        await running.wait()
    }

    /// Runs the body with a private postfix, which is ended and removed afterwards.
    static func run<Value>(
        _ configuration: PostfixConfiguration, isolation: isolated (any Actor)? = #isolation,
        _ body: (PostfixServer) async throws -> Value
    ) async throws -> Value {
        let server = PostfixServer(configuration)
        let result: Result<Value, any Error>
        do {
            try await server.prepare()
            try await server.start()
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        try? FileManager.default.removeItem(atPath: server.folder)
        return try result.get()
    }
}

/// Runs the body with a private postfix.
public func withPostfix<Value>(
    _ configuration: PostfixConfiguration, isolation: isolated (any Actor)? = #isolation,
    _ body: (PostfixServer) async throws -> Value
) async throws -> Value {
    try await PostfixServer.run(configuration, body)
}
