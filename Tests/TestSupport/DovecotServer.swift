import Foundation
import Glibc

/// A dovecot of a test's own, for IMAP: configuration, mail and sockets in a temporary folder, on free ports of
/// 127.0.0.1, ended by its process ID.
public final class DovecotServer: Sendable {
    /// The only account.
    public static let user = "interorg"
    public static let password = "dovecot-\"secret\\1"

    /// The folder with its mail, its log and its certificate.
    public let folder: String
    /// Where STARTTLS is offered.
    public let port: UInt16
    /// Where TLS begins at once.
    public let tlsPort: UInt16
    private let process: ChildProcess

    /// The certificate authority that has signed its certificate.
    public var caFile: String { "\(folder)/ca.crt" }
    private var mailFolder: String { "\(folder)/mail" }

    private init(folder: String, port: UInt16, tlsPort: UInt16, process: ChildProcess) {
        self.folder = folder
        self.port = port
        self.tlsPort = tlsPort
        self.process = process
    }

    /// Puts a mail into INBOX, as a mail server does.
    public func deliver(_ name: String, _ mail: [UInt8]) throws {
        for part in ["new", "cur", "tmp"] {
            try Self.makeFolder("\(mailFolder)/\(part)")
        }
        let file = "\(mailFolder)/tmp/\(name)"
        try Data(mail).write(to: URL(filePath: file))
        try Self.give(file)
        guard rename(file, "\(mailFolder)/new/\(name)") == 0 else {
            throw TestSupportError("cannot deliver \(name): errno \(errno)")
        }
    }

    /// The mails in a folder of the account, as files.
    ///
    /// - Parameter mailbox: nil for INBOX.
    public func mails(in mailbox: String? = nil) -> [[UInt8]] {
        let path = mailbox.map { "\(mailFolder)/.\($0)" } ?? mailFolder
        return ["new", "cur"].flatMap { part in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(part)")) ?? []).sorted().compactMap {
                FileManager.default.contents(atPath: "\(path)/\(part)/\($0)").map { Array($0) }
            }
        }
    }

    /// Forgets which mail has which number: every one gets a new one.
    public func renumber() throws {
        for file in ["dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"] {
            try? FileManager.default.removeItem(atPath: "\(mailFolder)/\(file)")
        }
    }

    private static let owner = getpwnam("nobody").map { ($0.pointee.pw_uid, $0.pointee.pw_gid) }

    /// As root dovecot does nothing with mail: it is another user's.
    private static func give(_ path: String) throws {
        guard geteuid() == 0, let owner else { return }
        guard chown(path, owner.0, owner.1) == 0 else {
            throw TestSupportError("cannot give away \(path): errno \(errno)")
        }
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 else { return }
        try give(path)
    }

    fileprivate static func start() async throws -> DovecotServer {
        let folder = "/tmp/dovecot-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        chmod(folder, 0o755)
        try await TestCertificates.make(names: ["DNS:localhost", "IP:127.0.0.1"], in: folder)
        try makeFolder("\(folder)/mail")
        let (port, tlsPort) = (try LoopbackSocket.freePort(), try LoopbackSocket.freePort())
        try configuration(folder, port: port, tlsPort: tlsPort)
            .write(toFile: "\(folder)/dovecot.conf", atomically: true, encoding: .utf8)
        try "\(user):{PLAIN}\(password)\n".write(toFile: "\(folder)/users", atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            "/usr/sbin/dovecot", ["-F", "-c", "\(folder)/dovecot.conf"], output: "\(folder)/output")
        let server = DovecotServer(folder: folder, port: port, tlsPort: tlsPort, process: process)
        do {
            try await waitUntil("dovecot listens", limit: .seconds(240)) {
                guard process.isRunning else { throw TestSupportError("dovecot has ended") }
                return LoopbackSocket.accepts(port: port) && LoopbackSocket.accepts(port: tlsPort)
            }
        } catch {
            let said = ["output", "log"].map { (try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) ?? "" }
            await server.end()
            throw TestSupportError("\(error): \(said.joined(separator: "\n"))")
        }
        return server
    }

    private static func configuration(_ folder: String, port: UInt16, tlsPort: UInt16) -> String {
        let isRoot = geteuid() == 0
        let name = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "nobody"
        let user = isRoot ? "nobody" : name
        let (uid, gid) = isRoot ? owner ?? (65_534, 65_534) : (geteuid(), getegid())
        // Without root there is no changing of users and roots.
        let plainServices = ["anvil", "imap-login"].map { "service \($0) {\n  chroot =\n" }
        return """
            base_dir = \(folder)/run
            state_dir = \(folder)/run
            log_path = \(folder)/log
            protocols = imap
            listen = 127.0.0.1
            default_internal_user = \(isRoot ? "dovecot" : user)
            default_login_user = \(isRoot ? "dovenull" : user)
            default_internal_group = \(isRoot ? "dovecot" : String(gid))
            mail_location = maildir:\(folder)/mail
            mail_uid = \(uid)
            mail_gid = \(gid)
            first_valid_uid = 1
            ssl = yes
            ssl_cert = <\(folder)/server.crt
            ssl_key = <\(folder)/server.key
            disable_plaintext_auth = no
            auth_mechanisms = plain login
            passdb {
              driver = passwd-file
              args = \(folder)/users
            }
            userdb {
              driver = static
              args = uid=\(uid) gid=\(gid) home=\(folder)/mail
            }
            \(plainServices[0])}
            \(plainServices[1])  inet_listener imap {
                port = \(port)
              }
              inet_listener imaps {
                port = \(tlsPort)
                ssl = yes
              }
            }

            """
    }

    /// Ends it, and removes its folder.
    public func end() async {
        process.send(signal: SIGTERM)
        await process.wait()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Runs the body with a dovecot that is gone in the end.
public func withDovecot(_ body: (DovecotServer) async throws -> Void) async throws {
    let server = try await DovecotServer.start()
    do {
        try await body(server)
        await server.end()
    } catch {
        await server.end()
        throw error
    }
}
