import Foundation
import Logging
import MailTransport
import TestSupport

/// A mail server between organizations: takes mail by SMTP at an organization's port and delivers it in another way.
struct DeliveringServer {
    let organization: Organization
    /// Delivers one mail; an error has it sent again.
    let deliver: @Sendable (ReceivedMail) async throws -> Void

    /// Runs the body while the servers run.
    static func with(_ servers: [DeliveringServer], _ body: @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (ready, isReady) = AsyncStream<Void>.makeStream()
            for server in servers {
                let configuration = MailListener.Configuration(
                    port: Int(server.organization.mailPort), transferProtocol: .smtp,
                    recipients: [try MailAddress(server.organization.address)], messageBytesMax: 20_000_000)
                let listener = MailListener(
                    configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                    listening: { _ in isReady.yield() }, deliver: server.deliver)
                group.addTask { try await listener.run() }
            }
            var count = 0
            for await _ in ready {
                count += 1
                if count == servers.count { break }
            }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// To the maildir `mail` in the organization's folder, as a delivery agent does it.
    static func maildir(_ organization: Organization) throws -> DeliveringServer {
        let path = "\(organization.folder)/mail"
        for folder in ["tmp", "new", "cur"] {
            try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        return DeliveringServer(organization: organization) { mail in
            let name = "\(Int(Date().timeIntervalSince1970)).\(UUID().uuidString).test"
            let returnPath = "Return-Path: <\(mail.sender?.text ?? "")>\n"
            try Data(Array(returnPath.utf8) + mail.bytes).write(to: URL(filePath: "\(path)/tmp/\(name)"))
            guard rename("\(path)/tmp/\(name)", "\(path)/new/\(name)") == 0 else {
                throw TestSupportError("cannot deliver to \(path)")
            }
        }
    }

    /// To `interorg receive`.
    static func pipe(_ organization: Organization) -> DeliveringServer {
        DeliveringServer(organization: organization) { mail in
            let result = try await organization.receive(mail.bytes, from: mail.sender?.text ?? "")
            guard result.status == 0 else { throw TestSupportError("\(result.status): \(result.errors)") }
        }
    }

    /// To a mailbox at a real IMAP server.
    static func imap(_ organization: Organization, _ server: DovecotServer) -> DeliveringServer {
        DeliveringServer(organization: organization) { mail in
            try server.deliver(UUID().uuidString, mail.bytes)
        }
    }
}

extension Organization {
    /// Has mail come another way than by SMTP.
    func reconfigureInbox(_ inbox: String) throws {
        try reconfigure("inbox: { smtp: \"127.0.0.1:\(mailPort)\" }", "inbox: { \(inbox) }")
    }

    /// What is in a folder of the maildir.
    func maildirNames(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(self.folder)/mail/\(folder)")) ?? []).sorted()
    }
}
