import Foundation
import Synchronization

/// A TCP proxy on 127.0.0.1 in front of a server, which cuts connections in the middle.
public final class CuttingProxy: Sendable {
    private struct State {
        var limits: [Int] = []
        var connectionCount = 0
        var cutCount = 0
        var isClosed = false
    }

    /// Where clients connect to.
    public let port: UInt16
    private let listener: Int32
    private let serverPort: UInt16
    private let state = Mutex(State())

    private init(to serverPort: UInt16) throws {
        self.serverPort = serverPort
        (listener, port) = try LoopbackSocket.listener()
    }

    /// Each of the next connections is cut after so many bytes have come from the server; those after them live.
    public func cut(afterBytes limits: [Int]) {
        state.withLock { $0.limits = limits }
    }

    /// How many connections there have been.
    public var connectionCount: Int { state.withLock { $0.connectionCount } }
    /// How many of them have been cut.
    public var cutCount: Int { state.withLock { $0.cutCount } }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Looks whether the proxy has been closed so often, in milliseconds.
    private static let tick: Int32 = 20

    private func run() {
        defer { close(listener) }
        while !isClosed {
            var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Self.tick) > 0 else { continue }
            let client = accept(listener, nil, nil)
            guard client >= 0 else { continue }
            let limit: Int? = state.withLock { state in
                state.connectionCount += 1
                return state.limits.isEmpty ? nil : state.limits.removeFirst()
            }
            Thread { self.forward(client, limit: limit) }.start()
        }
    }

    private func forward(_ client: Int32, limit: Int?) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(client)
            close(server)
        }
        guard LoopbackSocket.connect(server, toPort: serverPort) else { return }
        var left = limit ?? .max
        var sockets = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while !isClosed {
            guard poll(&sockets, 2, Self.tick) > 0 else { continue }
            if sockets[0].revents != 0, !Self.pass(from: client, to: server, at: .max).isOpen { return }
            guard sockets[1].revents != 0 else { continue }
            let (isOpen, count) = Self.pass(from: server, to: client, at: left)
            left -= count
            if left <= 0 { return state.withLock { $0.cutCount += 1 } }
            guard isOpen else { return }
        }
    }

    /// Passes on what has come, at most so many bytes.
    private static func pass(from source: Int32, to target: Int32, at most: Int) -> (isOpen: Bool, count: Int) {
        var buffer = [UInt8](repeating: 0, count: min(65_536, most))
        let count = recv(source, &buffer, buffer.count, 0)
        guard count > 0 else { return (false, 0) }
        var sent = 0
        while sent < count {
            let part = buffer[sent..<count].withUnsafeBytes {
                send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard part > 0 else { return (false, sent) }
            sent += part
        }
        return (true, count)
    }

    /// Runs the body with a proxy in front of the port.
    public static func with<Value>(
        serverPort: UInt16, isolation: isolated (any Actor)? = #isolation,
        _ body: (CuttingProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = try CuttingProxy(to: serverPort)
        Thread { proxy.run() }.start()
        defer { proxy.state.withLock { $0.isClosed = true } }
        return try await body(proxy)
    }
}
