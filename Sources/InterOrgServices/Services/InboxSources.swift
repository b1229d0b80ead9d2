import Foundation
import Logging
import MailTransport
import SQLiteStore

extension Configuration {
    /// The largest mail that is taken, in bytes: others may have been told another `messageBytes`.
    public var mailBytesMax: Int { max(messageBytesMax, 1_000_000) * 2 }

    /// The addresses of the organizations that mail of the exchange comes from.
    func knownSenders() throws(MailFormatError) -> Set<MailAddress> {
        let peers =
            switch role {
            case .master(let requestors): requestors
            case .requestor(let master): [master]
            }
        var addresses: Set<MailAddress> = []
        for peer in peers { addresses.insert(try MailAddress(peer.address)) }
        return addresses
    }

    var inboxLimits: InboxLimits {
        InboxLimits(knownSenders: (try? knownSenders().count) ?? 1, mailBytesMax: mailBytesMax)
    }

    /// The way on which mail comes to this process by itself; nil: another one hands it in.
    func mailSource(logger: Logger) throws -> (any MailSource)? {
        switch exchange.inbox {
        case .listener(let listener):
            return ListenerSource(try self.listener(listener), logger: logger)
        case .maildir(let maildir):
            return MailboxSource(
                Maildir(
                    path: maildir.path, processed: maildir.processed.asRetention,
                    refused: Retention(count: 100, bytes: max(64_000_000, 2 * mailBytesMax))))
        case .imap(let imap):
            return MailboxSource(
                IMAPMailbox(
                    imap.server, folder: imap.folder,
                    processed: imap.processedFolder.map { .move(folder: $0) } ?? .delete,
                    refusedFolder: imap.refusedFolder, every: imap.every))
        case .pipe:
            return nil
        }
    }

    private func listener(_ listener: Configuration.Listener) throws -> MailListener.Configuration {
        var settings = MailListener.Configuration(
            host: listener.host, port: listener.port, transferProtocol: listener.delivery == .lmtp ? .lmtp : .smtp,
            recipients: [try MailAddress(exchange.address)], messageBytesMax: mailBytesMax)
        settings.tls = listener.tls.map {
            ListenerTLS(certificateFile: $0.file, keyFile: $0.keyFile, isRequired: listener.requiresTLS)
        }
        return settings
    }
}

extension InterOrgService {
    /// How often it is looked whether `interorg receive` has stored something and could not say so.
    private static let pipeInterval = Duration.seconds(30)

    /// The way on which mail comes, with what it leads to.
    ///
    /// - Parameters:
    ///   - pipeInterval: where mail comes through a pipe, how often it is looked for.
    ///   - arrived: called when mail has come.
    func reception(
        pipeInterval: Duration = pipeInterval, arrived: @escaping @Sendable () -> Void
    ) throws -> MailReception {
        let source = try source(pipeInterval: pipeInterval, arrived: arrived)
        return MailReception(
            source: source,
            intake: StoreIntake(
                store: store, source: source.name, knownSenders: try configuration.knownSenders(),
                mailBytesMax: configuration.mailBytesMax, settled: settled, logger: logger, arrived: arrived))
    }

    private func source(pipeInterval: Duration, arrived: @escaping @Sendable () -> Void) throws -> any MailSource {
        try configuration.mailSource(logger: logger)
            ?? PipeSource(inbox: Inbox(store: store), interval: pipeInterval, arrived: arrived)
    }
}

extension Configuration.MaildirInbox.Processed {
    fileprivate var asRetention: Maildir.Processed {
        switch self {
        case .delete: .delete
        case .keep(nil): .keep(nil)
        case .keep(let age?): .keep(Retention(seconds: age / .seconds(1), count: 1_000, bytes: 256_000_000))
        }
    }
}

extension Configuration.IMAPInbox {
    fileprivate var server: IMAPServer {
        let protection: IMAPServer.Protection =
            switch transportSecurity {
            case .tls: .implicitTLS
            case .plaintext: .none
            default: .startTLS
            }
        return IMAPServer(
            host: host, port: port, protection: protection,
            credentials: SMTPCredentials(user: credentials.user, password: credentials.password.revealed),
            certificateAuthorityFile: caFile)
    }
}
