import Foundation
import Synchronization

/// The part of a proxy on 127.0.0.1 that waits for clients and connects them to the server.
final class ProxyListener: Sendable {
    /// Where clients connect to.
    let port: UInt16
    private let descriptor: Int32
    private let serverPort: UInt16
    private let closed = Mutex(false)

    /// Looks whether the proxy has been closed so often, in milliseconds.
    private static let tick: Int32 = 20

    init(to serverPort: UInt16) throws {
        self.serverPort = serverPort
        (descriptor, port) = try LoopbackSocket.listener()
    }

    var isClosed: Bool { closed.withLock { $0 } }

    /// Ends all connections and takes no more, soon.
    func close() { closed.withLock { $0 = true } }

    /// Hands every client, on a thread of its own, to the body, with a connection to the server. Both end with it.
    func start(_ body: @escaping @Sendable (_ client: Int32, _ server: Int32) -> Void) {
        Thread { self.run(body) }.start()
    }

    private func run(_ body: @escaping @Sendable (Int32, Int32) -> Void) {
        defer { Glibc.close(descriptor) }
        while !isClosed {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Self.tick) > 0 else { continue }
            let client = accept(descriptor, nil, nil)
            guard client >= 0 else { continue }
            Thread { self.connect(client, body) }.start()
        }
    }

    private func connect(_ client: Int32, _ body: (Int32, Int32) -> Void) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            Glibc.close(client)
            Glibc.close(server)
        }
        if LoopbackSocket.connect(server, toPort: serverPort) { body(client, server) }
    }

    /// Waits until one of the two has sent something, or ended.
    ///
    /// - Returns: nil when the proxy has been closed.
    func waitForEither(_ client: Int32, _ server: Int32) -> (client: Bool, server: Bool)? {
        var sockets = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while !isClosed {
            guard poll(&sockets, 2, Self.tick) > 0 else { continue }
            return (sockets[0].revents != 0, sockets[1].revents != 0)
        }
        return nil
    }

    /// What has come, at most so many bytes; nil when the connection has ended.
    static func receive(_ source: Int32, atMost count: Int = 65_536) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: min(65_536, count))
        let count = recv(source, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// Whether all of it could be sent.
    static func send(_ bytes: [UInt8], to target: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let part = bytes[sent...].withUnsafeBytes {
                Glibc.send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard part > 0 else { return false }
            sent += part
        }
        return true
    }
}
