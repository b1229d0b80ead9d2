import Synchronization

/// A TCP proxy on 127.0.0.1 in front of a server, which cuts connections in the middle.
public final class CuttingProxy: Sendable {
    private struct State {
        var limits: [Int] = []
        var connectionCount = 0
        var cutCount = 0
    }

    private let listener: ProxyListener
    private let state = Mutex(State())

    private init(to serverPort: UInt16) throws {
        listener = try ProxyListener(to: serverPort)
    }

    /// Where clients connect to.
    public var port: UInt16 { listener.port }

    /// Each of the next connections is cut after so many bytes have come from the server; those after them live.
    public func cut(afterBytes limits: [Int]) {
        state.withLock { $0.limits = limits }
    }

    /// How many connections there have been.
    public var connectionCount: Int { state.withLock { $0.connectionCount } }
    /// How many of them have been cut.
    public var cutCount: Int { state.withLock { $0.cutCount } }

    private func forward(_ client: Int32, _ server: Int32) {
        var left = state.withLock { state in
            state.connectionCount += 1
            return state.limits.isEmpty ? Int.max : state.limits.removeFirst()
        }
        while let ready = listener.waitForEither(client, server) {
            if ready.client {
                guard let bytes = ProxyListener.receive(client), ProxyListener.send(bytes, to: server) else { return }
            }
            guard ready.server else { continue }
            guard let bytes = ProxyListener.receive(server, atMost: left), ProxyListener.send(bytes, to: client)
            else { return }
            left -= bytes.count
            if left <= 0 { return state.withLock { $0.cutCount += 1 } }
        }
    }

    /// Runs the body with a proxy in front of the port.
    public static func with<Value>(
        serverPort: UInt16, isolation: isolated (any Actor)? = #isolation,
        _ body: (CuttingProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = try CuttingProxy(to: serverPort)
        proxy.listener.start { proxy.forward($0, $1) }
        defer { proxy.listener.close() }
        return try await body(proxy)
    }
}
