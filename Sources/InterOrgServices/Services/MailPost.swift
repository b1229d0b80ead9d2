import AddressBook
import Foundation
import IncrementalSync
import Logging
import MailTransport
import SQLiteStore
import ServiceLifecycle

/// Submits the messages that wait for one peer, in their order; what fails is tried again later. One for each peer, so
/// that a mail server that does not answer holds up nobody else's mail.
struct MailPost: Service {
    let peer: OrganizationID
    let from: MailAddress
    let to: MailAddress
    let subject: String
    let submission: SMTPSubmission
    let envelope: any SealedEnvelope
    let outbox: Outbox
    let logger: Logger
    let wakeUp: WakeUp
    /// Signalled when nothing waits any more.
    let submitted: WakeUp

    let random: @Sendable () -> Double

    private static let backoff = Backoff(first: .seconds(1), longest: .seconds(300))

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await serve() }
        } catch is CancellationError {
            // Stopped in the middle of something: the message waits in the outbox.
        }
    }

    private func serve() async throws {
        // What an earlier process has put off still has its time.
        if let time = try await outbox.nextAttempt(for: peer) {
            wakeUp.signal(after: .seconds(max(0, time.timeIntervalSinceNow)))
        }
        for await _ in wakeUp.signals {
            while !Task.isCancelled, let message = try await outbox.next(for: peer, now: Date()) {
                try await submit(message)
            }
            if try await outbox.isEmpty(for: peer) { submitted.signal() }
        }
    }

    /// Submits everything that is due now.
    func flush() async throws {
        while let message = try await outbox.next(for: peer, now: Date()) { try await submit(message) }
    }

    private func submit(_ message: WaitingMessage) async throws {
        do {
            try await submission.submit(try mail(message).encoded(), from: from, to: to)
            try await outbox.remove(message.id)
            logger.debug("mail submitted", metadata: ["to": "\(to)"])
        } catch is CancellationError {
            return
        } catch {
            let isPermanent = (error as? SMTPSubmissionError)?.kind != .transient
            let pause = Self.backoff.pause(
                afterFailures: isPermanent ? .max : message.attempts + 1, random: random())
            if message.attempts == 0 { logger.warning("mail to \(to) waits: \(error)") }
            try await outbox.postpone(
                message, until: Date(timeIntervalSinceNow: pause / .seconds(1)), error: "\(error)")
            wakeUp.signal(after: pause)
        }
    }

    private func mail(_ message: WaitingMessage) throws -> MailMessage {
        let body = try envelope.seal(message.payload, to: peer.uuid)
        let host = from.text.split(separator: "@").last.map(String.init) ?? "localhost"
        return try MailMessage(
            from: from, to: to, subject: subject, date: Date(),
            messageID: MessageID("<\(UUID().text)@\(host)>"), autoSubmitted: .generated, body: body)
    }
}

/// Tells a service that there may be something to do. Signals that come while it is busy become one.
struct WakeUp: Sendable {
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func signal() {
        continuation.yield()
    }

    /// There is nothing more to wait for.
    func end() {
        continuation.finish()
    }

    func signal(after duration: Duration) {
        Task {
            try await Task.sleep(for: duration)
            continuation.yield()
        }
    }
}
