import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What is wrong with a state folder.
public struct StateFolderError: Error, CustomStringConvertible {
    public let description: String
    /// Another process owns the folder.
    public let isInUse: Bool
}

/// One agent owns a state folder. The lock ends with the process, however it ends.
final class StateLock: Sendable {
    private let descriptor: Int32

    /// Makes the folder if there is none, readable by nobody else.
    init(folder: String) throws {
        // Address books and mail are in there: nobody else may read what this process makes, even in a folder that is
        // open to others.
        umask(0o077)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StateFolderError(
                description: "make the state folder \(folder): \(error.localizedDescription)", isInUse: false)
        }
        let path = folder + "/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StateFolderError(
                description: "open \(path): \(String(cString: strerror(errno))); check who owns the folder",
                isInUse: false)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StateFolderError(
                description: "another interorg process is using the state folder \(folder); stop it first",
                isInUse: true)
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }
}
