import Glibc
import Synchronization

/// Sockets on 127.0.0.1, as far as starting a server needs them.
public enum LoopbackSocket {
    private static let given = Mutex<Set<UInt16>>([])

    /// A port that nobody uses at the moment, and that nobody in this process has been given before: two servers that are
    /// starting side by side would be taken for each other.
    public static func freePort() throws -> UInt16 {
        while true {
            let port = try unusedPort()
            if given.withLock({ $0.insert(port).inserted }) { return port }
        }
    }

    private static func unusedPort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestSupportError("no socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw TestSupportError("no free port: errno \(errno)") }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Whether somebody listens at the port.
    static func accepts(port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return connect(descriptor, toPort: port)
    }

    /// Connects the socket. Returns whether that has succeeded.
    static func connect(_ descriptor: Int32, toPort port: UInt16) -> Bool {
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Whether an LDAP server at the port accepts a simple bind.
    static func canBind(port: UInt16, dn: String, password: String) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        guard connect(descriptor, toPort: port) else { return false }
        let request = bindRequest(dn: dn, password: password)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            return false
        }
        var response = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &response, response.count, 0)
        // LDAPMessage, message ID 1, BindResponse, resultCode success: RFC 4511, section 4.2.2.
        return count >= 10 && Array(response[2..<6]) == [2, 1, 1, 0x61] && Array(response[7..<10]) == [0x0A, 1, 0]
    }

    /// The BER of a simple bind with message ID 1, for texts shorter than 100 bytes together.
    private static func bindRequest(dn: String, password: String) -> [UInt8] {
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, UInt8(content.count)] + content }
        let bind = element(0x02, [3]) + element(0x04, Array(dn.utf8)) + element(0x80, Array(password.utf8))
        return element(0x30, element(0x02, [1]) + element(0x60, bind))
    }

    /// A socket that listens at a port of the system's choice, and that port. It is none that a server has been given, which
    /// may just be restarting.
    static func listener() throws -> (descriptor: Int32, port: UInt16) {
        var taken: [Int32] = []
        defer { taken.forEach { close($0) } }
        while true {
            let listener = try anyListener()
            if given.withLock({ $0.insert(listener.port).inserted }) { return listener }
            taken.append(listener.descriptor)
        }
    }

    private static func anyListener() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw TestSupportError("no listening socket: errno \(errno)")
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
