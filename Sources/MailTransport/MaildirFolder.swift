// For `timespec`: a build of the whole module takes it for a part of the first C header that has included it.
import CCurl
import Foundation
import Glibc

/// The files of a maildir: mails that have been delivered lie in `new`, those that somebody has seen in `cur` (the
/// maildir format of qmail, in the form that Courier and Dovecot have given it).
struct MaildirFolder: Sendable {
    /// The folder that holds `new`, `cur` and `tmp`.
    let path: String

    /// A mail that lies in the maildir.
    struct File: Sendable, Equatable {
        /// `new` or `cur`.
        var folder: String
        var name: String

        /// What stays the same when the mail is moved or marked: the name without its flags.
        var key: String { String(name.prefix { $0 != ":" }) }

        /// The flags, such as `S` for seen.
        var flags: String {
            guard let start = name.range(of: ":2,") else { return "" }
            return String(name[start.upperBound...])
        }

        /// The name with one more flag; flags stand in the order of ASCII.
        func name(adding flag: Character) -> String {
            "\(key):2," + String(Set(flags + [flag]).sorted())
        }
    }

    /// Something that could not be done with a file or folder.
    struct Failure: Error, CustomStringConvertible {
        var operation: String
        var code: Int32

        var isMissing: Bool { code == ENOENT }
        var description: String { "\(operation): \(String(cString: strerror(code)))" }
    }

    func path(of file: File) -> String { "\(path)/\(file.folder)/\(file.name)" }

    /// The regular files in `new` and `cur`, each mail once, in the order of their names, which begin with the time.
    ///
    /// - Throws: `Failure`, if a folder is missing or cannot be read.
    func files() throws -> [File] {
        var files: [String: File] = [:]
        // A mail that is moved while this looks is seen in both or in neither; then it is seen the next time.
        for folder in ["new", "cur"] {
            for name in try Self.names(in: "\(path)/\(folder)") {
                let file = File(folder: folder, name: name)
                guard files[file.key] == nil else { continue }
                files[file.key] = file
            }
        }
        return files.values.sorted { $0.name < $1.name }
    }

    /// The names of a folder that could be mails: without what is hidden and what is no regular file.
    private static func names(in folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw Failure(operation: "open \(folder)", code: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            guard [UInt8(DT_REG), UInt8(DT_UNKNOWN)].contains(entry.pointee.d_type) else { continue }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            // What is not UTF-8 could not be opened under the name that it would get here.
            guard let name, !name.hasPrefix(".") else { continue }
            if entry.pointee.d_type == UInt8(DT_UNKNOWN), !isRegularFile("\(folder)/\(name)") { continue }
            names.append(name)
        }
        return names
    }

    private static func isRegularFile(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// What reading a mail came to.
    enum Reading {
        case mail([UInt8])
        case tooLarge(bytes: Int)
        /// It is being written still.
        case unfinished
        /// Somebody has taken it away.
        case gone
    }

    /// Reads a mail of at most so many bytes.
    ///
    /// - Throws: `Failure`, if it is there and cannot be read.
    func read(_ file: File, bytesMax: Int) throws -> Reading {
        let path = path(of: file)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .gone }
            throw Failure(operation: "open \(path)", code: errno)
        }
        defer { close(descriptor) }
        let before = try Self.status(descriptor, path)
        guard before.st_size <= bytesMax else { return .tooLarge(bytes: before.st_size) }
        guard before.st_size > 0 else { return .unfinished }
        var bytes = [UInt8](repeating: 0, count: before.st_size)
        var count = 0
        while count < bytes.count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw Failure(operation: "read \(path)", code: errno) }
            guard read > 0 else { return .unfinished }
            count += read
        }
        let after = try Self.status(descriptor, path)
        let isSteady = after.st_size == before.st_size && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec
        return isSteady ? .mail(bytes) : .unfinished
    }

    private static func status(_ descriptor: Int32, _ path: String) throws -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(operation: "look at \(path)", code: errno) }
        return status
    }

    /// When a mail was delivered and how large it is; nil if it is gone.
    func item(_ file: File) -> Retention.Item<File>? {
        var status = stat()
        guard lstat(path(of: file), &status) == 0 else { return nil }
        return .init(
            key: file, date: Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec)), bytes: status.st_size)
    }

    /// - Throws: `Failure`, if mails could not be moved or deleted.
    func requireWriting() throws {
        for part in ["new", "cur"] {
            let folder = "\(path)/\(part)"
            guard access(folder, W_OK | X_OK) == 0 else { throw Failure(operation: "write in \(folder)", code: errno) }
        }
    }

    /// Moves a mail, durably; false if it is gone.
    func move(_ file: File, to target: String) throws -> Bool {
        let path = path(of: file)
        guard rename(path, target) == 0 else {
            if errno == ENOENT { return false }
            throw Failure(operation: "move \(path) to \(target)", code: errno)
        }
        for folder in Set([path, target].map { ($0 as NSString).deletingLastPathComponent }) { Self.flush(folder) }
        return true
    }

    /// Deletes a mail, unless it is gone already.
    func delete(_ file: File) throws {
        let path = path(of: file)
        guard unlink(path) == 0 || errno == ENOENT else {
            throw Failure(operation: "delete \(path)", code: errno)
        }
    }

    /// What has been moved and is forgotten after a power failure would only be dealt with again: errors do not matter.
    private static func flush(_ folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Makes a folder below this one (Maildir++), if it is not there.
    func subfolder(_ name: String) throws -> MaildirFolder {
        let folder = MaildirFolder(path: "\(path)/.\(name)")
        for part in ["", "/tmp", "/new", "/cur"] {
            guard mkdir(folder.path + part, 0o700) == 0 || errno == EEXIST else {
                throw Failure(operation: "make the folder \(folder.path)\(part)", code: errno)
            }
        }
        let mark = open("\(folder.path)/maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if mark >= 0 { close(mark) }
        return folder
    }
}
