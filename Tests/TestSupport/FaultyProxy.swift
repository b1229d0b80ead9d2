import Foundation
import Synchronization

/// A proxy on 127.0.0.1 in front of an LDAP server, which counts requests and does something about one of them.
public final class FaultyProxy: Sendable {
    /// What happens to a request.
    public enum Fault: Sendable {
        /// The connection ends before the server has the request.
        case cutBefore
        /// The server has answered the request, and the connection ends before the client hears of it.
        case cutAfter
        /// The client gets this result code, and the server nothing.
        case answer(UInt8)
        /// The request waits until this has ended.
        case wait(@Sendable () async -> Void)
    }

    private struct State {
        var requestCount = 0
        /// How many more requests, the one with the fault included.
        var left: Int?
        var kind: LDAPRequestKind?
        var fault = Fault.cutBefore
        var hasStruck = false
    }

    private let listener: ProxyListener
    private let state = Mutex(State())

    private init(to serverPort: UInt16) throws {
        listener = try ProxyListener(to: serverPort)
    }

    /// The proxy's URL.
    public var url: String { "ldap://127.0.0.1:\(listener.port)" }

    /// Counts from the start again: the request of that number meets the fault.
    ///
    /// - Parameter kind: which requests count; nil for all that are answered.
    public func strike(at number: Int, of kind: LDAPRequestKind? = nil, with fault: Fault) {
        state.withLock { $0 = State(left: number, kind: kind, fault: fault) }
    }

    /// Counts from the start again, and nothing happens to any request.
    public func rest() {
        state.withLock { $0 = State() }
    }

    /// How many requests there have been since.
    public var requestCount: Int { state.withLock { $0.requestCount } }
    /// Whether the request came that was to meet the fault.
    public var hasStruck: Bool { state.withLock { $0.hasStruck } }

    /// Counts the request, and says what happens to it.
    private func count(_ message: LDAPMessage) -> Fault? {
        guard let kind = LDAPRequestKind(rawValue: message.operation) else { return nil }
        return state.withLock { state in
            state.requestCount += 1
            guard let left = state.left, state.kind == nil || state.kind == kind else { return nil }
            state.left = left > 1 ? left - 1 : nil
            guard left == 1 else { return nil }
            state.hasStruck = true
            return state.fault
        }
    }

    private func forward(_ client: Int32, _ server: Int32) {
        var requests: [UInt8] = []
        var answers: [UInt8] = []
        /// The answer that the client does not get.
        var lost: [UInt8]?
        while let ready = listener.waitForEither(client, server) {
            if ready.client {
                guard let bytes = ProxyListener.receive(client) else { return }
                requests += bytes
            }
            while let message = LDAPMessage.take(from: &requests) {
                switch count(message) {
                case .cutBefore: return
                case .cutAfter: lost = message.id
                case .answer(let code):
                    guard ProxyListener.send(message.answer(code: code, "fault"), to: client) else { return }
                    continue
                case .wait(let body): Self.wait(for: body)
                case nil: break
                }
                guard ProxyListener.send(message.bytes, to: server) else { return }
            }
            if ready.server {
                guard let bytes = ProxyListener.receive(server) else { return }
                answers += bytes
            }
            while let message = LDAPMessage.take(from: &answers) {
                guard message.id != lost, ProxyListener.send(message.bytes, to: client) else { return }
            }
        }
    }

    /// The connection's own thread may wait: no task runs on it.
    private static func wait(for body: @escaping @Sendable () async -> Void) {
        let done = DispatchSemaphore(value: 0)
        Task {
            await body()
            done.signal()
        }
        done.wait()
    }

    /// Runs the body with a proxy in front of the port.
    public static func with<Value>(
        serverPort: UInt16, isolation: isolated (any Actor)? = #isolation,
        _ body: (FaultyProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = try FaultyProxy(to: serverPort)
        proxy.listener.start { proxy.forward($0, $1) }
        defer { proxy.listener.close() }
        return try await body(proxy)
    }
}
