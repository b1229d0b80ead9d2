import Foundation
import Synchronization

/// Submits mails one after the other over one connection (RFC 5321, section 3.3).
///
/// It connects for the first mail. The connection ends with the mail that is submitted as the last one, with a mail that
/// could not be submitted, and with `close`; another mail after that has a new connection.
public final class SMTPSession {
    private let submission: SMTPSubmission
    private let connection = CurlConnection()

    /// A session in which nothing is connected yet.
    public init(_ submission: SMTPSubmission) {
        self.submission = submission
    }

    deinit { close() }

    /// Submits `message`, the bytes of a whole mail with lines ended by CRLF. Returns when the server has taken
    /// responsibility for it.
    ///
    /// When the task is cancelled the connection is dropped within about a second.
    ///
    /// - Parameters:
    ///   - sender: where bounces go.
    ///   - recipient: who it is for.
    ///   - isLast: whether the connection is ended with this mail.
    /// - Throws: `SMTPSubmissionError`, or `CancellationError` if the task was cancelled.
    public func submit(
        _ message: [UInt8], from sender: MailAddress, to recipient: MailAddress, isLast: Bool
    ) async throws {
        try Task.checkCancellation()
        let cancellation = CancellationFlag()
        let transfer = CurlSubmission(
            settings: submission, message: message, sender: sender, recipient: recipient, isLast: isLast,
            cancellation: cancellation
        )
        let connection = connection
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let thread = Thread { continuation.resume(with: transfer.perform(on: connection)) }
                thread.name = "smtp-submission"
                thread.start()
            }
        } onCancel: {
            cancellation.isSet.store(true, ordering: .relaxed)
        }
    }

    /// Drops the connection, if there is one.
    public func close() { connection.close() }
}

/// Tells the thread of a submission that nobody wants it any more.
final class CancellationFlag: Sendable {
    let isSet = Atomic<Bool>(false)
}
