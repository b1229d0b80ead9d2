import Glibc
import Synchronization

/// A command that runs beside the test, with its output in a file.
///
/// Foundation's `Process` gives a child the signal mask of the thread that happens to start it, which on Swift's own
/// threads blocks SIGTERM: slapd could then be ended only by SIGKILL.
public final class ChildProcess: Sendable {
    /// The child's process ID; the child is waited for only here, so the ID stays its own until then.
    public let processID: pid_t
    private let exitStatus = Mutex<Int32?>(nil)

    /// Starts a command.
    ///
    /// - Parameters:
    ///   - input: the file for its standard input; by default it is empty.
    ///   - output: the file for its standard output.
    ///   - errors: the file for its standard error; nil for the same one.
    ///   - environment: what it has in its environment besides what this process has.
    public init(
        _ path: String, _ arguments: [String], input: String = "/dev/null", output: String, errors: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var cArguments = ([path] + arguments).map { strdup($0) }
        cArguments.append(nil)
        defer { for argument in cArguments { free(argument) } }
        let variables = environment.map { strdup("\($0)=\($1)") }
        defer { for variable in variables { free(variable) } }
        var cEnvironment = variables
        var inherited = environ
        while let variable = inherited.pointee {
            let name = String(cString: variable).prefix { $0 != "=" }
            if environment[String(name)] == nil { cEnvironment.append(variable) }
            inherited += 1
        }
        cEnvironment.append(nil)
        var started: pid_t = 0
        let code = posix_spawn(&started, path, &actions, &attributes, cArguments, cEnvironment)
        guard code == 0 else { throw TestSupportError("cannot start \(path): \(String(cString: strerror(code)))") }
        processID = started
    }

    /// Whether the child has not ended yet.
    public var isRunning: Bool { status == nil }

    /// The exit status; 128 and the signal's number when a signal ended the child; nil while it runs.
    public var status: Int32? {
        exitStatus.withLock { known in
            if known != nil { return known }
            var status: Int32 = 0
            guard waitpid(processID, &status, WNOHANG) == processID else { return nil }
            known = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
            return known
        }
    }

    /// Sends a signal, unless the child has ended.
    public func send(signal: Int32) {
        exitStatus.withLock { known in
            if known == nil { kill(processID, signal) }
        }
    }

    /// Waits for the end, in a cancelled task as well: a child is never left behind.
    @discardableResult
    public func wait() async -> Int32 {
        while true {
            if let status { return status }
            await Task.detached { try? await Task.sleep(for: .milliseconds(2)) }.value
        }
    }
}
