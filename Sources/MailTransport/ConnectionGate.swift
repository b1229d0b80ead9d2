import Glibc
import NIOCore
import Synchronization

/// Who may connect: so many in all, and of each client off this machine so many at once and in a minute, so that one
/// cannot keep out the others.
final class ConnectionGate: Sendable {
    /// What is done with a connection.
    enum Admission: Equatable {
        case allowed
        case tooMany
        case tooManyOfClient
        case tooFast
    }

    private struct Client {
        var connections = 0
        /// The minute that is counted, and the connections in it.
        var minute = 0
        var connectionsInMinute = 0
    }

    private struct State {
        var connections = 0
        var clients: [[UInt8]: Client] = [:]
    }

    private let connectionsMax: Int
    private let connectionsOfClientMax: Int
    private let connectionsPerMinuteMax: Int
    private let state = Mutex(State())

    init(connectionsMax: Int, connectionsOfClientMax: Int, connectionsPerMinuteMax: Int) {
        self.connectionsMax = connectionsMax
        self.connectionsOfClientMax = connectionsOfClientMax
        self.connectionsPerMinuteMax = connectionsPerMinuteMax
    }

    /// Counts one more connection; if it is allowed, `leave` has to follow.
    ///
    /// - Parameters:
    ///   - client: as `key(of:)` gives it; nil for clients that have no limit of their own.
    ///   - minute: of a clock that only goes forward.
    func enter(_ client: [UInt8]?, minute: Int) -> Admission {
        state.withLock { state in
            guard let client else {
                guard state.connections < connectionsMax else { return .tooMany }
                state.connections += 1
                return .allowed
            }
            // What is remembered is bounded by the connections there are and those of one minute.
            state.clients = state.clients.filter { $0.value.connections > 0 || $0.value.minute == minute }
            var known = state.clients[client] ?? Client()
            if known.minute != minute { (known.minute, known.connectionsInMinute) = (minute, 0) }
            known.connectionsInMinute = min(known.connectionsInMinute + 1, connectionsPerMinuteMax + 1)
            defer { state.clients[client] = known }
            guard known.connectionsInMinute <= connectionsPerMinuteMax else { return .tooFast }
            guard known.connections < connectionsOfClientMax else { return .tooManyOfClient }
            guard state.connections < connectionsMax else { return .tooMany }
            known.connections += 1
            state.connections += 1
            return .allowed
        }
    }

    func leave(_ client: [UInt8]?) {
        state.withLock { state in
            state.connections -= 1
            if let client { state.clients[client]?.connections -= 1 }
        }
    }

    /// What is counted as one client: an IPv4 address, an IPv6 network of 64 bits, of which a single machine has all
    /// addresses. Nil for this machine itself: its mail server delivers everybody's mail.
    static func key(of address: SocketAddress?) -> [UInt8]? {
        guard let text = address?.ipAddress else { return nil }
        var address4 = in_addr()
        if inet_pton(AF_INET, text, &address4) == 1 {
            let bytes = withUnsafeBytes(of: &address4) { Array($0) }
            return bytes.first == 127 ? nil : bytes
        }
        var address6 = in6_addr()
        guard inet_pton(AF_INET6, text, &address6) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: &address6) { Array($0) }
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        if bytes.starts(with: mapped) { return bytes[12] == 127 ? nil : Array(bytes[12...]) }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 ? nil : Array(bytes.prefix(8))
    }
}
