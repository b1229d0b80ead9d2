import Foundation
import Synchronization

/// A policy server for postfix (SMTPD_POLICY_README) on a free port of 127.0.0.1: puts mail off for a while.
public final class MailPolicy: Sendable {
    /// Which attempts are put off.
    public enum Rule: Sendable {
        /// The first so many of all, whoever makes them.
        case deferring(attempts: Int)
        /// Those for a pair of sender and recipient that was first seen less than so many seconds ago.
        case greylisting(seconds: Double)
    }

    private struct State {
        var attempts = 0
        var deferred = 0
        var seen: [String: Date] = [:]
        var isClosed = false
    }

    public let port: UInt16
    private let descriptor: Int32
    private let rule: Rule
    private let state = Mutex(State())

    private init(_ rule: Rule) throws {
        self.rule = rule
        (descriptor, port) = try LoopbackSocket.listener()
    }

    /// How many attempts have been put off.
    public var deferredCount: Int { state.withLock { $0.deferred } }

    private func run() {
        defer { close(descriptor) }
        while !state.withLock({ $0.isClosed }) {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 20) > 0 else { continue }
            let client = accept(descriptor, nil, nil)
            guard client >= 0 else { continue }
            Thread { self.serve(client) }.start()
        }
    }

    /// Requests are attributes, one to a line, ended by an empty line.
    private func serve(_ client: Int32) {
        defer { close(client) }
        var received = ""
        while let bytes = ProxyListener.receive(client) {
            received += String(decoding: bytes, as: UTF8.self)
            while let end = received.range(of: "\n\n") {
                let lines = received[..<end.lowerBound].split(separator: "\n")
                received.removeSubrange(..<end.upperBound)
                let action = isDeferred(lines) ? "action=450 4.7.1 come back later" : "action=dunno"
                guard ProxyListener.send(Array("\(action)\n\n".utf8), to: client) else { return }
            }
        }
    }

    private func isDeferred(_ attributes: [Substring]) -> Bool {
        let pair = attributes.filter { $0.hasPrefix("sender=") || $0.hasPrefix("recipient=") }.joined(separator: " ")
        return state.withLock { state in
            state.attempts += 1
            let isDeferred: Bool
            switch rule {
            case .deferring(let attempts): isDeferred = state.attempts <= attempts
            case .greylisting(let seconds):
                let now = Date()
                let since = state.seen[pair] ?? now
                state.seen[pair] = since
                isDeferred = now.timeIntervalSince(since) < seconds
            }
            if isDeferred { state.deferred += 1 }
            return isDeferred
        }
    }

    /// Runs the body with a policy server.
    public static func with<Value>(
        _ rule: Rule, isolation: isolated (any Actor)? = #isolation, _ body: (MailPolicy) async throws -> Value
    ) async throws -> Value {
        let policy = try MailPolicy(rule)
        Thread { policy.run() }.start()
        defer { policy.state.withLock { $0.isClosed = true } }
        return try await body(policy)
    }
}
