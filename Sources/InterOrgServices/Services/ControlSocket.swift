import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// What a running agent can be asked, in one line: to run a cycle now, and say what it did; or be told: that mail has come.
struct ControlRequest: Hashable {
    /// How many deletions of each organization's entries pass the guard in this cycle.
    var allowedDeletions: Int?

    /// Tells the agent that mail has been stored; there is no answer.
    static let mailHasCome = "mail\n"

    /// `synchronize` or `synchronize allow-deletes 20`, with the end of the line.
    var line: String { "synchronize" + (allowedDeletions.map { " allow-deletes \($0)" } ?? "") + "\n" }

    init(allowedDeletions: Int? = nil) {
        self.allowedDeletions = allowedDeletions
    }

    /// Nil for anything that is not exactly such a line.
    init?(line: String) {
        let words = line.dropLast().split(separator: " ")
        allowedDeletions = words.count == 3 ? Int(words[2]) : nil
        guard line == self.line, allowedDeletions ?? 0 >= 0 else { return nil }
    }
}

/// How other commands reach a running agent: a socket in its state folder, for its owner only. One line asks, one of JSON
/// answers.
struct ControlSocket: Service {
    let path: String
    let agent: SynchronizationAgent
    let logger: Logger

    func run() async throws {
        // The lock says that no other agent is alive, so a socket that is there was left by one that was killed.
        try? FileManager.default.removeItem(atPath: path)
        let server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
        do {
            server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .bind(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        } catch {
            // Everything else works without it; a path longer than 107 bytes is the usual reason.
            logger.warning("no control socket at \(path): \(error); interorg sync works when the agent is stopped")
            try await gracefulShutdown()
            return
        }
        do {
            try await cancelWhenGracefulShutdown {
                try await server.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await connection in connections { group.addTask { await answer(connection) } }
                    }
                }
            }
        } catch is CancellationError {
            // Stopped.
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    private func answer(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        try? await connection.executeThenClose { inbound, outbound in
            var line = ""
            for try await buffer in inbound {
                line += String(buffer: buffer)
                guard line.utf8.count <= 1024 else { return }
                guard line.hasSuffix("\n") else { continue }
                break
            }
            guard line != ControlRequest.mailHasCome else { return agent.mailHasCome() }
            guard let request = ControlRequest(line: line) else { return }
            guard let report = await agent.cycle(allowedDeletions: request.allowedDeletions) else { return }
            await agent.submitAtOnce()
            try await outbound.write(ByteBuffer(bytes: try JSONEncoder().encode(report)))
        }
    }
}

/// The agent that was asked for a cycle has ended before it was over.
public struct AgentStopped: Error, CustomStringConvertible {
    public var description: String {
        "the running agent was stopped before the cycle was over; what it has done is kept, start it or run this again"
    }
}

/// The other side of the socket.
public enum RunningAgent {
    /// Asks the agent that owns the state folder for a cycle; nil if none is running.
    ///
    /// - Parameter allowedDeletions: how many deletions of each organization's entries pass the guard in this cycle,
    ///   whatever its limits are.
    public static func synchronize(
        _ configuration: Configuration, allowedDeletions: Int? = nil
    ) async throws -> CycleReport? {
        guard let channel = await connect(configuration) else { return nil }
        let answer = try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: ControlRequest(allowedDeletions: allowedDeletions).line))
            var answer: [UInt8] = []
            for try await buffer in inbound { answer += buffer.readableBytesView }
            return answer
        }
        guard !answer.isEmpty else { throw AgentStopped() }
        return try JSONDecoder().decode(CycleReport.self, from: Data(answer))
    }

    /// Tells the agent that owns the state folder that mail has been stored, if one is running. It would find it by itself
    /// later.
    public static func mailHasCome(_ configuration: Configuration) async {
        guard let channel = await connect(configuration) else { return }
        try? await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: ControlRequest.mailHasCome))
            // The agent closes the connection when it has read the line.
            for try await _ in inbound {}
        }
    }

    /// Nil if no agent is running.
    private static func connect(_ configuration: Configuration) async -> NIOAsyncChannel<ByteBuffer, ByteBuffer>? {
        try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: configuration.controlSocketPath) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
    }
}
