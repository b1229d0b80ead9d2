import Foundation
import Synchronization

/// Submits mail to a server by SMTP (RFC 5321, RFC 6409).
///
/// Each submission has a thread of its own: a slow server blocks nobody else.
public struct SMTPSubmission: Sendable {
    /// How long each thing may take.
    public struct Timeouts: Sendable, Equatable {
        /// Seconds until the connection stands, TLS included.
        public var connectSeconds: Int
        /// Seconds for each reply; servers may take up to ten minutes to store a mail (RFC 5321, section 4.5.3.2.6).
        public var replySeconds: Int
        /// Seconds for everything.
        public var totalSeconds: Int

        /// Makes timeouts; the defaults suit large mails and slow lines.
        public init(connectSeconds: Int = 30, replySeconds: Int = 600, totalSeconds: Int = 1800) {
            self.connectSeconds = connectSeconds
            self.replySeconds = replySeconds
            self.totalSeconds = totalSeconds
        }
    }

    let server: SMTPServer
    let credentials: SMTPCredentials?
    let certificateAuthorityFile: String?
    let helloName: String?
    let timeouts: Timeouts

    /// Says how to reach a server; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - url: `smtp://host:port` or `smtps://host:port`. With `smtp` STARTTLS is required, unless the host is a
    ///     loopback address, where none is used.
    ///   - credentials: for servers that want a login.
    ///   - insecure: accepts a server without STARTTLS and any certificate.
    ///   - requiresStartTLS: with `smtp`, STARTTLS on a loopback address as well.
    ///   - certificateAuthorityFile: the certificates (PEM) to trust instead of those of the machine.
    ///   - helloName: the name given in EHLO; nil for the name of the machine.
    /// - Throws: `SMTPSubmissionError` of kind `permanent`, if a value cannot be used.
    public init(
        url: String,
        credentials: SMTPCredentials? = nil,
        insecure: Bool = false,
        requiresStartTLS: Bool = false,
        certificateAuthorityFile: String? = nil,
        helloName: String? = nil,
        timeouts: Timeouts = Timeouts()
    ) throws(SMTPSubmissionError) {
        server = try SMTPServer(url: url, insecure: insecure, requiresStartTLS: requiresStartTLS)
        if let helloName, (try? MailAddress("postmaster@\(helloName)")) == nil {
            throw SMTPSubmissionError(
                kind: .permanent, operation: "setting up mail submission through \(server.url)",
                detail: "\"\(helloName.forPeople)\" is not a host name"
            )
        }
        self.credentials = credentials
        self.certificateAuthorityFile = certificateAuthorityFile
        self.helloName = helloName
        self.timeouts = timeouts
    }

    /// Submits one mail over a connection of its own; see `SMTPSession.submit`.
    public func submit(_ message: [UInt8], from sender: MailAddress, to recipient: MailAddress) async throws {
        let session = SMTPSession(self)
        defer { session.close() }
        try await session.submit(message, from: sender, to: recipient, isLast: true)
    }
}
