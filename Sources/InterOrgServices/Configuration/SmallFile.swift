import Foundation

/// A regular file that is small enough to be read whole.
struct SmallFile {
    /// Its contents.
    let bytes: [UInt8]
    /// Its permission bits.
    let permissions: mode_t

    /// Why a file could not be read, as the end of a sentence about it.
    struct Failure: Error {
        let reason: String
    }

    /// Reads a file.
    ///
    /// - Throws: ``Failure`` if it cannot be opened or read, is no regular file, or has more than `bytesMax` bytes.
    static func read(_ path: String, bytesMax: Int) throws(Failure) -> SmallFile {
        // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw systemFailure() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw systemFailure() }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(reason: "it is not a regular file") }
        let bytes = try readAll(descriptor, bytesMax: bytesMax)
        return SmallFile(bytes: bytes, permissions: status.st_mode & 0o777)
    }

    /// The text of a file, without the byte order mark that some editors put before it.
    ///
    /// - Throws: ``Failure`` as `read` does, and if it is not UTF-8.
    static func readText(_ path: String, bytesMax: Int) throws(Failure) -> String {
        let file = try read(path, bytesMax: bytesMax)
        guard let text = String(validating: file.bytes, as: UTF8.self) else {
            throw Failure(reason: "it is not UTF-8 text")
        }
        let byteOrderMark: Unicode.Scalar = "\u{FEFF}"
        return text.unicodeScalars.first == byteOrderMark ? String(text.unicodeScalars.dropFirst()) : text
    }

    private static func readAll(_ descriptor: Int32, bytesMax: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw systemFailure() }
            bytes += buffer.prefix(count)
            guard bytes.count <= bytesMax else {
                throw Failure(reason: "it has more than \(bytesMax) bytes")
            }
        }
    }

    private static func systemFailure() -> Failure {
        Failure(reason: String(cString: strerror(errno)))
    }
}
