internal import CLDAP
import Glibc

/// An eventfd: any thread makes it readable, the connection's thread polls it.
final class WakeUpDescriptor: Sendable {
    let descriptor: Int32

    /// Throws an ``LDAPError`` when the process has no descriptors left.
    init(subject: String) throws(LDAPError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw LDAPError(code: .localError, operation: "connect", subject: subject, diagnosticMessage: reason)
        }
    }

    deinit { close(descriptor) }

    /// Makes the descriptor readable.
    func signal() {
        var one: UInt64 = 1
        // It can only fail when the counter is full, and then the descriptor is readable anyway.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Makes the descriptor unreadable until the next signal.
    func reset() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
