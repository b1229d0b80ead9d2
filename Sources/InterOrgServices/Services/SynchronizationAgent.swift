import Foundation
import IncrementalSync
import Logging
import MailTransport
import ServiceLifecycle
import Synchronization

/// Runs cycles on the schedule and handles mail as it comes, one thing after the other. What could not be done because a
/// server was away is tried again between the times of the schedule.
final class SynchronizationAgent: Service {
    private enum Command: Sendable {
        /// The number of the one who waits for its report, and how many deletions may pass the guard once.
        case cycle(Int, allowedDeletions: Int?)
        case mail
        /// What was posted to a peer has been submitted.
        case submitted
        /// The master is to be asked outside the schedule.
        case due
        /// The pause after a failure is over.
        case retry
    }

    /// Those who wait for a cycle.
    private struct Waiting {
        var isEnded = false
        var count = 0
        var continuations: [Int: CheckedContinuation<CycleReport?, Never>] = [:]
    }

    private let exchanger: Exchanger
    private let schedule: Configuration.Schedule
    private let waiting = Mutex(Waiting())
    private let pauses: Pauses
    private let logger: Logger
    private let commands: AsyncStream<Command>
    private let queue: AsyncStream<Command>.Continuation
    private let retries: AsyncStream<Duration>
    private let retryQueue: AsyncStream<Duration>.Continuation
    private let submitted: WakeUp
    private let alarm = Alarm()

    init(
        exchanger: Exchanger, schedule: Configuration.Schedule, submitted: WakeUp = WakeUp(), pauses: Pauses,
        logger: Logger
    ) {
        self.submitted = submitted
        self.exchanger = exchanger
        self.schedule = schedule
        self.pauses = pauses
        self.logger = logger
        (commands, queue) = AsyncStream.makeStream()
        (retries, retryQueue) = AsyncStream.makeStream()
    }

    func run() async throws {
        queue.yield(.mail)
        await cancelWhenGracefulShutdown { [self] in
            await exchanger.checkDirectory()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await self.keepSchedule() }
                group.addTask { try? await self.keepRetrying() }
                group.addTask { for await _ in self.submitted.signals { self.queue.yield(.submitted) } }
                var schedule = RetrySchedule()
                for await command in commands {
                    if Task.isCancelled { break }
                    let report = await carryOut(command, &schedule)
                    alarm.set(await exchanger.due()) { [queue] in queue.yield(.due) }
                    guard let report else { continue }
                    guard let pause = schedule.pause(after: report, random: pauses.random()) else { continue }
                    logger.debug("what could not be done is tried again", metadata: ["after": "\(pause)"])
                    retryQueue.yield(pause)
                }
                group.cancelAll()
                alarm.set(nil) {}
                // The schedule itself may be waiting for a cycle, and the group for the schedule.
                end()
            }
        }
        end()
    }

    /// Nobody who waits for a cycle waits in vain.
    private func end() {
        let left = waiting.withLock { waiting in
            waiting.isEnded = true
            defer { waiting.continuations = [:] }
            return waiting.continuations.values
        }
        for continuation in left { continuation.resume(returning: nil) }
    }

    /// A mail is in the inbox.
    func mailHasCome() {
        queue.yield(.mail)
    }

    /// A person asks: mail that a server has put off is tried again now.
    func submitAtOnce() async { await exchanger.submitAtOnce() }

    /// How many wait for a cycle.
    var waitingCount: Int { waiting.withLock { $0.continuations.count } }

    /// Runs a cycle now, or after what is running; nil if the agent ends before.
    ///
    /// - Parameter allowedDeletions: how many deletions of each organization's entries pass the guard in this cycle,
    ///   whatever its limits are.
    func cycle(allowedDeletions: Int? = nil) async -> CycleReport? {
        await withCheckedContinuation { continuation in
            let number: Int? = waiting.withLock { waiting in
                guard !waiting.isEnded else { return nil }
                waiting.count += 1
                waiting.continuations[waiting.count] = continuation
                return waiting.count
            }
            guard let number else { return continuation.resume(returning: nil) }
            queue.yield(.cycle(number, allowedDeletions: allowedDeletions))
        }
    }

    private func carryOut(_ command: Command, _ schedule: inout RetrySchedule) async -> CycleReport? {
        switch command {
        case .cycle(let number, let allowedDeletions):
            if allowedDeletions != nil { await exchanger.allowDeletions(allowedDeletions) }
            let report = await exchanger.cycle()
            if allowedDeletions != nil { await exchanger.allowDeletions(nil) }
            // A cycle that was cut off is none that anyone waits for.
            waiting.withLock { $0.continuations.removeValue(forKey: number) }?
                .resume(returning: Task.isCancelled ? nil : report)
            return report
        case .mail:
            // A mail that was no trouble says nothing about what else was.
            let report = await exchanger.mailHasCome()
            return report.shouldRetry ? report : nil
        case .submitted:
            await exchanger.outboxIsEmpty()
            return nil
        case .due:
            await exchanger.askIfDue()
            return nil
        case .retry: return schedule.pauseIsOver() ? await exchanger.retry() : nil
        }
    }

    private func keepRetrying() async throws {
        for await pause in retries {
            try await pauses.wait(pause)
            queue.yield(.retry)
        }
    }

    private func keepSchedule() async throws {
        var failures = 0
        while true {
            let begin = ContinuousClock.now
            let report = await cycle()
            try Task.checkCancellation()
            switch schedule {
            case .every(let interval):
                try await Task.sleep(until: max(begin + interval, ContinuousClock.now), clock: .continuous)
            case .at(let times):
                try await Task.sleep(for: .seconds(Self.seconds(from: Date(), to: times)))
            case .continuous where report?.failures.isEmpty == false:
                // What could not be read is news to the watch for as long as it has not been.
                failures += 1
                try await pauses.wait(
                    Self.watchBackoff.pause(afterFailures: failures, random: pauses.random()))
            case .continuous: failures = try await waitForChange(afterFailures: failures)
            }
        }
    }

    /// The longest time between two cycles when nothing changes at home: others may have something, and a watch whose
    /// connection is dead is noticed.
    private static let continuousPause = Duration.seconds(60)
    /// What comes together is read together.
    private static let gathering = Duration.milliseconds(50)
    /// Before a cycle is tried when the directory could not be read or watched.
    private static let watchBackoff = Backoff(first: .seconds(1), longest: continuousPause)

    /// Until something changes in the directory, but not for ever.
    ///
    /// - Parameter failures: how often in a row the directory could not be watched.
    /// - Returns: the same, with this time.
    private func waitForChange(afterFailures failures: Int) async throws -> Int {
        let exchanger = exchanger
        return try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await Task.sleep(for: Self.continuousPause)
                return 0
            }
            group.addTask {
                do {
                    let hasChanged = try await exchanger.awaitChange()
                    try await Task.sleep(for: hasChanged ? Self.gathering : Self.continuousPause)
                    return 0
                } catch {
                    // What is wrong is said by the cycle that follows.
                    let failures = failures + 1
                    try await Task.sleep(
                        for: Self.watchBackoff.pause(afterFailures: failures, random: .random(in: 0...1)))
                    return failures
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? 0
        }
    }

    /// Until the next of these times of day, in the time zone of the machine.
    static func seconds(from now: Date, to times: [Configuration.TimeOfDay], calendar: Calendar = .current) -> Double {
        let next = times.compactMap { time in
            calendar.nextDate(
                after: now, matching: DateComponents(hour: time.hour, minute: time.minute, second: 0),
                matchingPolicy: .nextTime)
        }.min()
        return next.map { $0.timeIntervalSince(now) } ?? 86_400
    }
}

/// Rings once, at the time that it was last set to.
private final class Alarm: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter time: nil: it does not ring any more.
    func set(_ time: Date?, _ ring: @escaping @Sendable () -> Void) {
        task.withLock { task in
            task?.cancel()
            task = time.map { time in
                Task {
                    // What could not be done when it was due is not tried again without a pause.
                    guard (try? await Task.sleep(for: .seconds(max(1, time.timeIntervalSinceNow)))) != nil else {
                        return
                    }
                    ring()
                }
            }
        }
    }
}
