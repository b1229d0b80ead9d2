import AddressBook
import Crypto
import Foundation
import IncrementalSync
import InterOrgProtocol
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
    /// Why mail goes to the peer.
    let autoSubmitted: MailMessage.AutoSubmitted
    let submission: SMTPSubmission
    let envelope: any SealedEnvelope
    let outbox: Outbox
    let peerMail: PeerMail
    let logger: Logger
    let wakeUp: WakeUp
    /// Signalled when nothing waits any more.
    let submitted: WakeUp
    /// What the peer has said that it can read; nil if it has not said anything.
    let capabilities: @Sendable () async throws -> Capabilities?

    let random: @Sendable () -> Double

    /// A server that is away or puts mail off.
    static let transientBackoff = Backoff(first: .seconds(1), longest: .seconds(900))
    /// What somebody has to correct first; `interorg sync` tries at once.
    static let permanentBackoff = Backoff(first: .seconds(900), longest: .seconds(6 * 3600))

    /// Before the outbox is read again that could not be read or written.
    private static let databasePause = Duration.seconds(60)

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await serve() }
        } catch is CancellationError {
            // Stopped in the middle of something: the message waits in the outbox.
        }
    }

    private func serve() async throws {
        // What an earlier process has left.
        wakeUp.signal()
        var alarm: Task<Void, any Error>?
        defer { alarm?.cancel() }
        for await _ in wakeUp.signals {
            alarm?.cancel()
            do {
                if try await pause() <= .zero { try await flush() }
                let pause = try await pause()
                if pause > .zero { alarm = wakeUp.signal(after: pause) }
            } catch let error as CancellationError {
                throw error
            } catch {
                // A disk that is full, say. What waits stays where it is.
                logger.error("submit the mail that waits for \(to): \(error)")
                alarm = wakeUp.signal(after: Self.databasePause)
            }
        }
    }

    /// How long nothing may be tried yet.
    private func pause() async throws -> Duration {
        let state = try await peerMail.state(of: peer)
        guard let nextAttempt = state.nextAttempt else { return .zero }
        if let tooLarge = state.tooLargeBytes, let message = try await outbox.next(for: peer),
            message.payload.count < tooLarge
        {
            return .zero
        }
        let pause = Duration.seconds(max(0, nextAttempt.timeIntervalSinceNow))
        let longest = state.failure?.isPermanent == true ? Self.permanentBackoff.longest : Self.transientBackoff.longest
        // Longer than any: the clock was set back, and would have to catch up first.
        return pause > longest ? .zero : pause
    }

    /// Submits everything that waits, over one connection; the first failure ends it.
    func flush() async throws {
        let session = SMTPSession(submission)
        defer { session.close() }
        while !Task.isCancelled, let message = try await outbox.next(for: peer) {
            do {
                try await submit(message, session)
            } catch is CancellationError {
                return
            } catch {
                return try await failed(message, error)
            }
            if try await outbox.isEmpty(for: peer) { submitted.signal() }
        }
    }

    /// Why what waits is not taken; nil if it is.
    func failure() async throws -> SubmissionFailure? { try await peerMail.state(of: peer).failure }

    private func submit(_ message: WaitingMessage, _ session: SMTPSession) async throws {
        let state = try await peerMail.state(of: peer)
        let mail = try await mail(message, inReplyTo: state.heardMessageID)
        try await session.submit(mail.encoded(), from: from, to: to, isLast: !message.hasSuccessor)
        try await peerMail.submitted(message, as: mail.messageID.text, now: Date())
        if state.failure != nil { logger.info("mail to \(to) is taken again") }
        logger.debug("mail submitted", metadata: ["to": "\(to)", "messageID": "\(mail.messageID)"])
    }

    private func failed(_ message: WaitingMessage, _ error: any Error) async throws {
        let before = try await peerMail.state(of: peer).failure
        let refusal = error as? SMTPSubmissionError
        let isPermanent = refusal.map { $0.kind != .transient } ?? (error is EnvelopeError)
        let backoff = isPermanent ? Self.permanentBackoff : Self.transientBackoff
        // How long something else was wrong before says nothing about this.
        let attempts = before?.isPermanent == isPermanent ? before?.attempts ?? 0 : 0
        let pause = backoff.pause(afterFailures: attempts + 1, random: random())
        try await peerMail.failed(
            peer, error: "\(error)", isPermanent: isPermanent,
            tooLargeBytes: refusal?.isTooLarge == true ? message.payload.count : nil,
            nextAttempt: Date(timeIntervalSinceNow: pause / .seconds(1)), now: Date())
        let isNews = before?.isPermanent != isPermanent
        logger.log(level: isNews ? .warning : .debug, "mail to \(to) waits: \(error)")
    }

    /// A message that is submitted again, because nobody knows whether it was taken, is the same mail.
    private func mail(_ message: WaitingMessage, inReplyTo: String?) async throws -> MailMessage {
        let ciphers = try await capabilities().map { Set($0.ciphers.compactMap(ContentCipher.init(rawValue:))) }
        let body = try envelope.seal(message.payload, to: peer.uuid, ciphers: ciphers)
        let host = from.text.split(separator: "@").last.map(String.init) ?? "localhost"
        let identity = SHA256.hash(data: message.payload).prefix(16).map { String(format: "%02x", $0) }.joined()
        return try MailMessage(
            from: from, to: to, subject: subject, date: Date(),
            messageID: MessageID("<\(message.request).\(identity)@\(host)>"),
            inReplyTo: inReplyTo.flatMap { try? MessageID($0) }, autoSubmitted: autoSubmitted, body: body)
    }
}
