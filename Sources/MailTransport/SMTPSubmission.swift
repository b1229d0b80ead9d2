import Foundation
import Synchronization

/// Submits mail to a server by SMTP (RFC 5321, RFC 6409).
///
/// Each submission has a connection and a thread of its own: a slow server blocks nobody else.
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
    ///   - certificateAuthorityFile: the certificates (PEM) to trust instead of those of the machine.
    ///   - helloName: the name given in EHLO; nil for the name of the machine.
    /// - Throws: `SMTPSubmissionError` of kind `permanent`, if a value cannot be used.
    public init(
        url: String,
        credentials: SMTPCredentials? = nil,
        insecure: Bool = false,
        certificateAuthorityFile: String? = nil,
        helloName: String? = nil,
        timeouts: Timeouts = Timeouts()
    ) throws(SMTPSubmissionError) {
        server = try SMTPServer(url: url, insecure: insecure)
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

    /// Submits `message`, the bytes of a whole mail with lines ended by CRLF. Returns when the server has taken
    /// responsibility for it.
    ///
    /// When the task is cancelled the connection is dropped within about a second.
    ///
    /// - Parameters:
    ///   - sender: where bounces go.
    ///   - recipient: who it is for.
    /// - Throws: `SMTPSubmissionError`, or `CancellationError` if the task was cancelled.
    public func submit(_ message: [UInt8], from sender: MailAddress, to recipient: MailAddress) async throws {
        try Task.checkCancellation()
        let cancellation = CancellationFlag()
        let transfer = CurlSubmission(
            settings: self, message: message, sender: sender, recipient: recipient, cancellation: cancellation
        )
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let thread = Thread { continuation.resume(with: transfer.perform()) }
                thread.name = "smtp-submission"
                thread.start()
            }
        } onCancel: {
            cancellation.isSet.store(true, ordering: .relaxed)
        }
    }
}

/// Tells the thread of a submission that nobody wants it any more.
final class CancellationFlag: Sendable {
    let isSet = Atomic<Bool>(false)
}
