import Foundation
import Logging
import MailTransport
import SQLiteStore
import ServiceLifecycle
import Synchronization

/// What all ways on which mail comes lead to: the inbox of the store, in which each sender has a share.
struct StoreIntake: MailIntake {
    let inbox: Inbox
    let taken: TakenMail
    /// Whose mail has a share of its own.
    let knownSenders: Set<MailAddress>
    let mailBytesMax: Int
    let logger: Logger
    /// Called when a mail has come.
    let arrived: @Sendable () -> Void
    /// Signals that mail has been dealt with.
    let settled: WakeUp
    private let failure = SharedFailure()

    init(
        store: ServiceStore, source: String, knownSenders: Set<MailAddress>, mailBytesMax: Int, settled: WakeUp,
        logger: Logger, arrived: @escaping @Sendable () -> Void
    ) {
        inbox = Inbox(
            store: store, limits: InboxLimits(knownSenders: knownSenders.count, mailBytesMax: mailBytesMax))
        taken = TakenMail(store: store, source: source)
        self.knownSenders = knownSenders
        self.mailBytesMax = mailBytesMax
        self.settled = settled
        self.logger = logger
        self.arrived = arrived
    }

    var settlements: AsyncStream<Void> { settled.signals }

    func take(_ mail: IncomingMail) async throws {
        guard mail.bytes.count <= mailBytesMax else {
            throw MailRefusal(
                reason: "the mail is too large: \(mail.bytes.count) bytes, the limit is \(mailBytesMax)")
        }
        let sender = MailSender(of: mail.bytes)
        let share = sender.author.flatMap { knownSenders.contains($0) ? InboxShare.known($0.text.lowercased()) : nil }
        do {
            try await inbox.append(
                mail.bytes, from: sender.envelopeSender(noted: mail.sender), share: share ?? .others,
                origin: mail.key.map { MailOrigin(source: taken.source, key: $0) }, now: Date())
        } catch let full as InboxFull {
            throw MailStorageFull(reason: full.description)
        } catch let full as StoreFull {
            throw MailStorageFull(reason: full.description)
        }
        arrived()
    }

    func refuse(_ key: String, sender: String, reason: String) async throws {
        try await inbox.note(RefusedMail(at: Date(), sender: sender, reason: reason))
        try await taken.refuse(key)
    }

    func known(among keys: Set<String>) async throws -> Set<String> { try await taken.known(among: keys) }

    func settled() async throws -> [SettledMail] {
        try await taken.settled().map { SettledMail(key: $0.key, isRefused: $0.isRefused) }
    }

    func putAway(_ key: String, isVisible: Bool) async throws { try await taken.putAway(key, isVisible: isVisible) }

    func kept() async throws -> Set<String> { try await taken.kept() }

    func report(_ failure: String?) async {
        guard self.failure.isNews(failure) else { return }
        if let failure {
            logger.error("mail does not come: \(failure)")
        } else if self.failure.hasFailed {
            logger.info("mail comes again")
        }
        do {
            try await taken.record(failure: failure, now: Date())
        } catch {
            logger.error("record that mail does not come: \(error)")
        }
    }
}

/// What is wrong with a source, as it was last said.
private final class SharedFailure: Sendable {
    private struct State {
        var isKnown = false
        var failure: String?
        var hasFailed = false
    }

    private let state = Mutex(State())

    /// Whether the last news is the end of a failure.
    var hasFailed: Bool { state.withLock { $0.hasFailed } }

    func isNews(_ failure: String?) -> Bool {
        state.withLock { state in
            guard !state.isKnown || state.failure != failure else { return false }
            state.hasFailed = state.failure != nil
            state.isKnown = true
            state.failure = failure
            return true
        }
    }
}

/// Mail that another process, `interorg receive`, stores: it tells a running agent so, and this looks now and then in
/// case that it could not.
struct PipeSource: MailSource {
    let inbox: Inbox
    let interval: Duration
    let arrived: @Sendable () -> Void

    var name: String { "interorg receive" }

    func check() {}

    func run(_ intake: any MailIntake) async throws {
        var last: Int64 = 0
        while true {
            // A database that cannot be read now may be able to be in a moment.
            if let newest = (try? await inbox.ids(parked: false))?.last, newest > last {
                last = newest
                arrived()
            }
            try await Task.sleep(for: interval)
        }
    }
}

/// A way on which mail comes, as a service: a graceful stop finishes what is being taken.
struct MailReception: Service {
    let source: any MailSource
    let intake: any MailIntake

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await source.run(intake) }
        } catch is CancellationError {
            // Stopped.
        }
    }
}
