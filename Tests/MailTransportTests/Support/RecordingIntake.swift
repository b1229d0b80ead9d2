import Foundation
import MailTransport
import Synchronization

/// An intake in memory that does what a test says with each mail.
final class RecordingIntake: MailIntake {
    enum State: Equatable {
        case waiting, done, refused, kept
    }

    private struct Content {
        var mails: [IncomingMail] = []
        var states: [String: State] = [:]
        var reasons: [String: String] = [:]
        var failure: String?
        var isFull = false
        var rejections = 0
    }

    let mailBytesMax: Int
    let settlements: AsyncStream<Void>
    private let settle: AsyncStream<Void>.Continuation
    private let content = Mutex(Content())

    init(mailBytesMax: Int = 10_000) {
        self.mailBytesMax = mailBytesMax
        (settlements, settle) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var texts: [String] { content.withLock { $0.mails.map { String(decoding: $0.bytes, as: UTF8.self) } } }
    var states: [String: State] { content.withLock { $0.states } }
    var reasons: [String: String] { content.withLock { $0.reasons } }
    var failure: String? { content.withLock { $0.failure } }
    /// How often there was no room.
    var rejections: Int { content.withLock { $0.rejections } }
    var isFull: Bool {
        get { content.withLock { $0.isFull } }
        set { content.withLock { $0.isFull = newValue } }
    }

    /// What a service would do after it has dealt with all mail that waits.
    func settleAll(as state: State = .done) {
        content.withLock { content in
            for (key, old) in content.states where old == .waiting { content.states[key] = state }
        }
        settle.yield()
    }

    func take(_ mail: IncomingMail) async throws {
        try content.withLock { content in
            if content.isFull {
                content.rejections += 1
                throw MailStorageFull(reason: "full")
            }
            content.mails.append(mail)
            if let key = mail.key { content.states[key] = .waiting }
        }
    }

    func refuse(_ key: String, sender: String, reason: String) async throws {
        content.withLock {
            $0.states[key] = .refused
            $0.reasons[key] = reason
        }
    }

    func known(among keys: Set<String>) async throws -> Set<String> { keys.intersection(states.keys) }

    func settled() async throws -> [SettledMail] {
        states.filter { [.done, .refused].contains($0.value) }
            .map { SettledMail(key: $0.key, isRefused: $0.value == .refused) }
    }

    func putAway(_ key: String, isVisible: Bool) async throws {
        content.withLock { $0.states[key] = isVisible ? .kept : nil }
    }

    func kept() async throws -> Set<String> { Set(states.filter { $0.value == .kept }.keys) }

    func report(_ failure: String?) async {
        content.withLock { $0.failure = failure }
    }
}
