import Foundation

/// Files with keys and certificates: always whole, and never open to more people than they should be.
enum KeyFile {
    /// Writes a file beside its place and then puts it there.
    ///
    /// - Parameter isReplacing: whether a file that is there already may go.
    /// - Throws: ``KeyError``, also if there is one that may not.
    static func write(_ text: String, to path: String, permissions: mode_t, isReplacing: Bool) throws(KeyError) {
        let temporary = "\(path).\(UUID().uuidString.prefix(8)).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else { throw failure("write", path) }
        defer { unlink(temporary) }
        let isWritten = fchmod(descriptor, permissions) == 0 && writeAll(Array(text.utf8), descriptor)
        let isStored = isWritten && fsync(descriptor) == 0
        guard isStored else {
            let failure = failure("write", path)
            close(descriptor)
            throw failure
        }
        close(descriptor)
        // A link fails if the name is taken, whoever has just taken it; a rename does not.
        guard (isReplacing ? rename(temporary, path) : link(temporary, path)) == 0 else {
            throw failure("write", path)
        }
    }

    private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func failure(_ what: String, _ path: String) -> KeyError {
        KeyError("cannot \(what) \(path): \(String(cString: strerror(errno)))")
    }
}
