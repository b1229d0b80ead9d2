import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Receives mail by LMTP (RFC 2033) or SMTP (RFC 5321), and hands each one to the service.
///
/// A mail is acknowledged only after the service has taken it: what is not acknowledged, the sending system keeps and
/// sends again. So a mail can arrive more than once, but none is lost.
///
/// With a certificate it offers STARTTLS (RFC 3207). There is no login: what a mail is worth is judged by what seals it.
public struct MailListener: Sendable {
    /// The protocol that is spoken.
    public enum TransferProtocol: Sendable, Equatable {
        /// For a mail system that delivers to this service: one reply for each recipient.
        case lmtp
        /// For mail systems that relay to this service, and for senders without one between.
        case smtp
    }

    /// What is received, from where and within which limits.
    public struct Configuration: Sendable {
        /// The address (IPv4 or IPv6) to listen on, or a name of this machine.
        public var host: String
        /// The port; 0 for any that is free.
        public var port: Int
        /// The protocol that is spoken.
        public var transferProtocol: TransferProtocol
        /// The addresses that mail is received for; any other is refused (550).
        public var recipients: Set<MailAddress>
        /// The largest mail, as it is encoded; a larger one is refused (552).
        public var messageBytesMax: Int
        /// How many connections there may be at once; a further one is sent away (421).
        public var connectionsMax = 20
        /// How many of them one client may have that is not on this machine.
        public var connectionsOfClientMax = 5
        /// How many connections such a client may begin in a minute.
        public var connectionsPerMinuteMax = 60
        /// Seconds after which a connection is closed, however busy it is.
        public var connectionSecondsMax = 3600
        /// How many bytes the mails that are coming may have together; a further one is to come later (452).
        public var memoryBytesMax: Int
        /// What TLS is offered with; nil: it is not offered.
        public var tls: ListenerTLS?
        /// Seconds after which a silent connection is closed. RFC 5321, section 4.5.3.2.7, asks for five minutes.
        public var idleTimeoutSeconds = 300
        /// The longest command line; RFC 5321, section 4.5.3.1.4, asks for 512 bytes or more.
        public var commandLineBytesMax = 4096
        /// The longest line in a mail. RFC 5321, section 4.5.3.1.6, allows 1000 bytes, but not every system keeps to it.
        public var textLineBytesMax = 65_536
        /// The name that the listener gives itself.
        public var hostName = "localhost"

        /// Makes a configuration with the usual limits.
        public init(
            host: String = "127.0.0.1",
            port: Int,
            transferProtocol: TransferProtocol,
            recipients: Set<MailAddress>,
            messageBytesMax: Int
        ) {
            self.host = host
            self.port = port
            self.transferProtocol = transferProtocol
            self.recipients = recipients
            self.messageBytesMax = messageBytesMax
            memoryBytesMax = 4 * messageBytesMax
        }
    }

    /// Takes a mail. It returns when the mail is stored durably; throws `MailRefusal` to refuse it for good (554),
    /// `MailStorageFull` (452) and any other error (451) to have it sent again later. It may be called for several mails at once.
    public typealias Deliver = @Sendable (ReceivedMail) async throws -> Void

    let configuration: Configuration
    let logger: Logger
    let deliver: Deliver
    let notices = SharedNotices()
    private let listening: @Sendable (Int) -> Void

    /// Makes a listener; nothing is bound before `run`.
    ///
    /// - Parameters:
    ///   - listening: called once with the port, when connections are accepted.
    ///   - deliver: takes each mail.
    public init(
        configuration: Configuration,
        logger: Logger,
        listening: @escaping @Sendable (_ port: Int) -> Void = { _ in },
        deliver: @escaping Deliver
    ) {
        self.configuration = configuration
        self.logger = logger
        self.listening = listening
        self.deliver = deliver
    }

    /// Receives mail until the task is cancelled. Then deliveries that are running are finished and answered, everything
    /// else is dropped, and this returns.
    ///
    /// - Throws: `MailListenerError`, if the address cannot be listened on or listening fails.
    public func run() async throws {
        let shared = Shared(
            gate: ConnectionGate(
                connectionsMax: configuration.connectionsMax,
                connectionsOfClientMax: configuration.connectionsOfClientMax,
                connectionsPerMinuteMax: configuration.connectionsPerMinuteMax),
            memory: MemoryBudget(bytesMax: configuration.memoryBytesMax),
            tls: try configuration.tls.map { try ListenerTLSContext($0) })
        let server = try await bind()
        do {
            try await server.executeThenClose { accepted in
                listening(server.channel.localAddress?.port ?? configuration.port)
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in accepted {
                        group.addTask { await serve(connection, shared) }
                    }
                    // From here on nobody else gets in, while what is running is finished.
                    server.channel.close(promise: nil)
                }
            }
        } catch is CancellationError {
            return
        } catch {
            throw MailListenerError(operation: "receiving mail on \(place)", detail: "\(error)")
        }
    }

    private var place: String { "\(configuration.host):\(configuration.port)" }

    private func bind() async throws -> NIOAsyncChannel<Connection, Never> {
        let idleTimeout = TimeAmount.seconds(Int64(configuration.idleTimeoutSeconds))
        do {
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 64)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // A client may end its side and still wait for the reply.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: configuration.host, port: configuration.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(IdleTimeoutHandler(timeout: idleTimeout))
                        try channel.pipeline.syncOperations.addHandler(StartTLSHandler())
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw MailListenerError(
                operation: "listening for mail on \(place)",
                detail: "\(error); check that the address is one of this machine and that no other service has the port"
            )
        }
    }
}

/// A listener that cannot listen.
public struct MailListenerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done, on which address.
    public let operation: String
    /// What the system said, and what to try.
    public let detail: String

    public var description: String { "\(operation) failed: \(detail)" }
}

/// Notices of many connections at once.
final class SharedNotices: Sendable {
    private let notices = Mutex(RateLimitedNotices())

    func withLock<Result: Sendable>(_ body: (inout RateLimitedNotices) -> Result) -> Result {
        notices.withLock { body(&$0) }
    }
}

/// A listener as one of the ways on which mail comes.
public struct ListenerSource: MailSource {
    private let configuration: MailListener.Configuration
    private let logger: Logger

    public init(_ configuration: MailListener.Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    public var name: String {
        let transferProtocol = configuration.transferProtocol == .lmtp ? "LMTP" : "SMTP"
        return "\(transferProtocol) on \(configuration.host):\(configuration.port)"
    }

    /// Looks at the certificate; whether the port is free is for the service to find, which may have it already.
    public func check() throws {
        _ = try configuration.tls.map { try ListenerTLSContext($0) }
    }

    public func run(_ intake: any MailIntake) async throws {
        try await MailListener(
            configuration: configuration, logger: logger,
            listening: { port in logger.info("listening for mail", metadata: ["port": "\(port)"]) },
            deliver: { mail in
                try await intake.take(IncomingMail(sender: mail.sender?.text ?? "", bytes: mail.bytes))
            }
        ).run()
    }
}
