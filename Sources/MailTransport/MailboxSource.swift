import Foundation

/// A mailbox that is looked at again and again.
public protocol Mailbox: Sendable {
    /// What it is, in words for people.
    var name: String { get }

    /// The longest time between two looks.
    var interval: Duration { get }

    /// The longest time until it is tried again after it could not be looked at, in seconds.
    var longestPauseSeconds: Double { get }

    /// When it should be looked at before that; ends when nobody iterates it any more. For one task at a time.
    func changes() -> AsyncStream<Void>

    /// Looks whether mail can be taken, and takes none.
    func check() async throws

    /// Puts away what has been settled, then hands in everything that is new.
    ///
    /// - Throws: what kept it from doing all of that, in words for people.
    func look(_ intake: any MailIntake) async throws

    /// Puts away what has been settled.
    func putAway(_ intake: any MailIntake) async throws
}

/// Brings the mail of a mailbox.
public struct MailboxSource<Box: Mailbox>: MailSource {
    private let mailbox: Box

    public init(_ mailbox: Box) {
        self.mailbox = mailbox
    }

    public var name: String { mailbox.name }

    /// Between two looks when the mailbox cannot be looked at.
    private static var firstPauseSeconds: Double { 1 }
    /// How long the end of a service may take for a server that does not answer.
    private static var lastPause: Duration { .seconds(5) }

    public func check() async throws { try await mailbox.check() }

    public func run(_ intake: any MailIntake) async throws {
        let (looks, look) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        look.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in intake.settlements { look.yield() } }
            group.addTask { for await _ in mailbox.changes() { look.yield() } }
            group.addTask {
                while (try? await Task.sleep(for: mailbox.interval)) != nil { look.yield() }
            }
            var failures = 0
            for await _ in looks {
                do {
                    try await mailbox.look(intake)
                    failures = 0
                    await intake.report(nil)
                } catch {
                    guard !Task.isCancelled else { break }
                    failures += 1
                    await intake.report("\(error)")
                    try? await Task.sleep(for: .seconds(pauseSeconds(afterFailures: failures)))
                    look.yield()
                }
            }
            group.cancelAll()
        }
        await putAwayBeforeTheEnd(intake)
    }

    /// What has been dealt with just now is put away by this process still; if it cannot be soon, by the next one.
    private func putAwayBeforeTheEnd(_ intake: any MailIntake) async {
        // In a task of its own, since this one is cancelled.
        await Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await mailbox.putAway(intake) }
                group.addTask { try? await Task.sleep(for: Self.lastPause) }
                await group.next()
                group.cancelAll()
            }
        }.value
    }

    private func pauseSeconds(afterFailures failures: Int) -> Double {
        min(Self.firstPauseSeconds * pow(2, Double(min(failures, 20) - 1)), mailbox.longestPauseSeconds)
    }
}
