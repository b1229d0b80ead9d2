import Foundation
import SQLiteStore

/// Goes through the mail that waits in an inbox: what is done is removed, what waits for other mail is parked, and
/// what is of no use is refused.
public struct InboxRound: Sendable {
    private let inbox: Inbox
    private let now: @Sendable () -> Date

    public init(_ inbox: Inbox, now: @escaping @Sendable () -> Date) {
        self.inbox = inbox
        self.now = now
    }

    /// Hands every new mail to `handle`, in the order of their coming; then the parked ones, for as long as that leads
    /// on. An error ends the round; the mail that caused it is the first of the next one.
    public func run(
        isolation: isolated (any Actor)? = #isolation, _ handle: (WaitingMail) async throws -> Disposition
    ) async throws {
        var ids = try await inbox.ids(parked: false)
        while !ids.isEmpty {
            var hasProgress = false
            for id in ids {
                guard let mail = try await inbox.mail(id) else { continue }
                switch try await handle(mail) {
                case .done:
                    try await inbox.remove(id)
                    hasProgress = true
                case .parked(let reason):
                    try await inbox.park(id, reason: reason)
                case .refused(let reason):
                    try await inbox.refuse(mail, reason: reason, now: now())
                case .notice(let kind, let reason):
                    try await inbox.refuse(mail, as: kind, reason: reason, now: now())
                }
            }
            ids = hasProgress ? try await inbox.ids(parked: true) : []
        }
    }
}
