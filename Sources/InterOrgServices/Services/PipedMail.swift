import Foundation
import Logging
import MailTransport
import SQLiteStore

/// One mail that a mail server's pipe hands in, while a service runs or while none does.
public enum PipedMail {
    /// Why a mail was not taken.
    public enum Failure: Error, Sendable, CustomStringConvertible {
        /// It will never be taken.
        case refused(String)
        /// It is to come again later.
        case later(String)

        public var description: String {
            switch self {
            case .refused(let reason), .later(let reason): reason
            }
        }
    }

    /// How long the database may be busy, in seconds: the mail server gets its answer long before it gives up.
    private static let busySeconds = 10.0

    /// Stores a mail durably, and tells a running agent.
    ///
    /// - Parameter sender: the envelope sender; nil: the mail itself has to say.
    /// - Throws: `Failure`.
    public static func store(
        _ bytes: [UInt8], from sender: String?, _ configuration: Configuration, logger: Logger
    ) async throws {
        // The database has address books in it: nobody else may read what this process makes.
        umask(0o077)
        do {
            guard
                let store = try ServiceStore.openExisting(path: configuration.databasePath, busySeconds: busySeconds)
            else {
                throw Failure.later("the service has never run with this configuration; start it with interorg run")
            }
            let intake = StoreIntake(
                store: store, source: "interorg receive", knownSenders: try configuration.knownSenders(),
                mailBytesMax: configuration.mailBytesMax, settled: WakeUp(), logger: logger, arrived: {})
            try await intake.take(IncomingMail(sender: sender, bytes: bytes))
        } catch let refusal as MailRefusal {
            throw Failure.refused(refusal.reason)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.later("the mail could not be stored: \(error)")
        }
        await RunningAgent.mailHasCome(configuration)
    }
}
