import ArgumentParser
import Foundation
import InterOrgServices
import LDAPClient
import MailTransport
import SQLiteStore
import StrictYAML

/// What the shell is told.
enum ExitStatus: Int32 {
    case done = 0
    case problemsLeft = 1
    case usage = 2
    case unreachable = 3
    case held = 4
    case defect = 70

    var code: ExitCode { ExitCode(rawValue) }
}

/// An error that has been put into words, and its exit status.
struct Failure: Error {
    var status: ExitStatus
    var message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The one table from errors to exit statuses.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as YAMLError: self.init(.usage, error.description)
        case let error as StateFolderError: self.init(.usage, error.description)
        case let error as MailListenerError: self.init(.usage, error.description)
        case let error as NewerStore: self.init(.usage, error.description)
        case let error as UnknownRequestor: self.init(.usage, error.description)
        case let error as KeyError: self.init(.usage, error.description)
        case let error as MailboxError: self.init(error.isTransient ? .unreachable : .usage, error.description)
        case let error as CheckFailure: self.init(.usage, error.description)
        case let error as AgentStopped: self.init(.unreachable, error.description)
        case let error as LDAPError where error.isTransient: self.init(.unreachable, error.description)
        case let error as LDAPError: self.init(.usage, error.description)
        default: self.init(.defect, "\(error)")
        }
    }
}

extension Failure {
    /// Says it on standard error; the exit status that the shell is told.
    func reported() -> ExitCode {
        FileHandle.standardError.write(Data("interorg: \(message)\n".utf8))
        return status.code
    }
}

/// Runs a command; an error becomes one message on standard error and the exit status that the table has for it.
func reportingFailures(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let code as ExitCode {
        throw code
    } catch {
        throw Failure(error).reported()
    }
}
