import Foundation

/// A connection to one LDAP server, for any number of tasks at once.
///
/// A thread of its own does all that can block (names, TLS, the bind, reading, writing), so that Swift's cooperative
/// threads never wait. Referrals are not followed and no configuration is read but the options given here. A lost
/// connection stays lost: all operations fail with `serverDown`, and the owner connects again.
public final class LDAPConnection: Sendable {
    /// The server's URL, as given.
    public let url: String

    private let mailbox: ConnectionMailbox

    private init(url: String, mailbox: ConnectionMailbox) {
        self.url = url
        self.mailbox = mailbox
    }

    deinit { mailbox.close() }

    /// Connects, changes to TLS and binds, as the options say.
    ///
    /// Throws an ``LDAPError`` with the operation `connect`, `startTLS` or `bind`, and `CancellationError` as soon as
    /// the task is cancelled.
    public static func connect(_ options: LDAPConnectionOptions) async throws -> LDAPConnection {
        let mailbox = ConnectionMailbox(wakeUp: try WakeUpDescriptor(subject: options.url))
        let connected = OneShot<Void>()
        let thread = Thread {
            ConnectionLoop.run(options: options, mailbox: mailbox, connected: connected)
        }
        thread.name = "ldap"
        thread.start()
        try await connected.value(onCancel: { mailbox.close() })
        return LDAPConnection(url: options.url, mailbox: mailbox)
    }

    /// Whether operations are accepted: false after ``close()`` and once the connection is known to be lost.
    public var isOpen: Bool { mailbox.isOpen }

    /// Ends the connection: an unbind is sent, and what is in flight fails with `serverDown`. Returns at once; may be
    /// called any number of times.
    public func close() {
        mailbox.close()
    }

    /// Sends a request and waits for its result. Throws ``LDAPError`` unless the result is a success.
    func perform(_ request: LDAPRequest, controls: [LDAPControl]) async throws -> LDAPResult {
        try Task.checkCancellation()
        let outcome = OneShot<LDAPResult>()
        let operation = mailbox.submit(request, controls: controls, receiver: .single(outcome))
        return try await outcome.value(onCancel: { [mailbox] in mailbox.cancel(ids: [operation.id]) })
    }

    /// Sends requests and waits for all their results.
    func perform(
        _ requests: [LDAPRequest], in transaction: LDAPTransaction?
    ) async throws -> [Result<LDAPResult, LDAPError>] {
        try Task.checkCancellation()
        let batch = BatchOutcome(count: requests.count)
        let operations = mailbox.submit(
            requests.enumerated().map { ($0.element, .batch(batch, $0.offset)) },
            controls: transaction.map { [$0.control] } ?? [], isNoted: transaction != nil)
        return try await batch.all.value(
            onCancel: { [mailbox] in mailbox.cancel(ids: operations.map(\.id)) })
    }

    /// Sends a search request.
    func start(_ request: SearchRequest, controls: [LDAPControl]) -> LDAPSearch {
        let buffer = SearchBuffer()
        let operation = mailbox.submit(.search(request), controls: controls, receiver: .search(buffer))
        return LDAPSearch(
            lifetime: SearchLifetime(connection: self, mailbox: mailbox, buffer: buffer, operationID: operation.id))
    }
}
