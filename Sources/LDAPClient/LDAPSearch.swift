/// A search in progress: an asynchronous sequence of what it returns, to be read once, by one task.
///
/// Iterating throws an ``LDAPError`` when the result is no success, after all events before it. When the sequence and
/// its iterator are gone before the end, or the reading task is cancelled, the search is abandoned.
public struct LDAPSearch: AsyncSequence, Sendable {
    /// What a search returns.
    public typealias Element = LDAPSearchEvent

    let lifetime: SearchLifetime

    /// The server's result with its controls, whatever its code; nil until it has come.
    public var result: LDAPResult? { lifetime.buffer.result }

    /// Starts reading.
    public func makeAsyncIterator() -> Iterator {
        Iterator(lifetime: lifetime)
    }

    /// Reads a search.
    public struct Iterator: AsyncIteratorProtocol {
        private let lifetime: SearchLifetime
        private var events: [LDAPSearchEvent] = []
        private var position = 0

        init(lifetime: SearchLifetime) {
            self.lifetime = lifetime
        }

        /// The next event; nil at the end.
        public mutating func next() async throws -> LDAPSearchEvent? {
            if Task.isCancelled {
                lifetime.cancel()
                throw CancellationError()
            }
            if position == events.count {
                guard let batch = try await lifetime.take() else { return nil }
                events = batch
                position = 0
            }
            defer { position += 1 }
            return events[position]
        }
    }
}

/// Keeps a search's connection alive, and abandons the search when nobody can read it any more.
final class SearchLifetime: Sendable {
    private let connection: LDAPConnection
    private let mailbox: ConnectionMailbox
    private let operationID: UInt64
    let buffer: SearchBuffer

    init(connection: LDAPConnection, mailbox: ConnectionMailbox, buffer: SearchBuffer, operationID: UInt64) {
        self.connection = connection
        self.mailbox = mailbox
        self.buffer = buffer
        self.operationID = operationID
    }

    deinit { cancel() }

    /// Abandons the search unless it has ended.
    func cancel() {
        if buffer.finish(.failure(CancellationError()), discardingEvents: true) {
            mailbox.cancel(ids: [operationID])
        }
    }

    /// The next events; nil at the end.
    func take() async throws -> [LDAPSearchEvent]? {
        try await buffer.take(
            onRoom: { mailbox.resume() },
            onCancel: { [mailbox, operationID] in mailbox.cancel(ids: [operationID]) }
        )
    }
}
