import Foundation
import Logging
import MailTransport
import ServiceLifecycle

/// Runs cycles on the schedule and handles mail as it comes, one thing after the other.
final class SynchronizationAgent: Service {
    private enum Command: Sendable {
        case cycle(CheckedContinuation<CycleReport, Never>)
        case mail
    }

    private let exchanger: Exchanger
    private let schedule: Configuration.Schedule
    private let posts: [MailPost]
    private let logger: Logger
    private let commands: AsyncStream<Command>
    private let queue: AsyncStream<Command>.Continuation

    init(exchanger: Exchanger, schedule: Configuration.Schedule, posts: [MailPost], logger: Logger) {
        self.exchanger = exchanger
        self.schedule = schedule
        self.posts = posts
        self.logger = logger
        (commands, queue) = AsyncStream.makeStream()
    }

    func run() async throws {
        queue.yield(.mail)
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await self.keepSchedule() }
                for await command in commands {
                    await carryOut(command)
                    if Task.isCancelled { break }
                }
                group.cancelAll()
            }
        }
        queue.finish()
        // Whoever still waits for a cycle gets an answer.
        for await command in commands {
            if case .cycle(let continuation) = command { continuation.resume(returning: CycleReport()) }
        }
    }

    /// A mail is in the inbox.
    func mailHasCome() {
        queue.yield(.mail)
    }

    /// Runs a cycle now, or after what is running.
    func cycle() async -> CycleReport {
        await withCheckedContinuation { continuation in
            if case .terminated = queue.yield(.cycle(continuation)) { continuation.resume(returning: CycleReport()) }
        }
    }

    private func carryOut(_ command: Command) async {
        switch command {
        case .cycle(let continuation): continuation.resume(returning: await exchanger.cycle())
        case .mail: _ = await exchanger.processMail()
        }
        for post in posts { post.wakeUp.signal() }
    }

    private func keepSchedule() async throws {
        while true {
            let begin = ContinuousClock.now
            _ = await cycle()
            try Task.checkCancellation()
            switch schedule {
            case .every(let interval):
                try await Task.sleep(until: max(begin + interval, ContinuousClock.now), clock: .continuous)
            case .at(let times):
                try await Task.sleep(for: .seconds(Self.seconds(from: Date(), to: times)))
            }
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

/// The mail listener as a service: a graceful stop finishes the deliveries that are running.
struct MailIntake: Service {
    let listener: MailListener

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await listener.run() }
    }
}
