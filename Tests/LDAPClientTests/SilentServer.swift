import Glibc
import TestSupport

/// Runs the body with the port of a socket on 127.0.0.1 that accepts connections and never answers.
func withSilentServer(_ body: (UInt16) async throws -> Void) async throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                ? getsockname(descriptor, $0, &length) : -1
        }
    }
    guard code == 0 else { throw TestSupportError("no silent server: errno \(errno)") }
    try await body(UInt16(bigEndian: address.sin_port))
}

/// A variable of this process's environment, as C sees it.
func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}
