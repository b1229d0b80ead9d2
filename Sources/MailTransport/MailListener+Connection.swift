import Logging
import NIOCore
import Synchronization

extension MailListener {
    /// Replies do not go through the asynchronous writer, which refuses them in a cancelled task: the reply to a finished
    /// delivery must go out while the service shuts down.
    typealias Connection = NIOAsyncChannel<ByteBuffer, Never>

    /// Speaks with one client to the end.
    func serve(_ connection: Connection, count: ConnectionCount) async {
        let isAllowed = count.enter()
        defer { if isAllowed { count.leave() } }
        do {
            try await connection.executeThenClose { inbound in
                guard isAllowed else {
                    logger.warning("a mail connection was sent away: there are already \(configuration.connectionsMax)")
                    try await send(.tooManyConnections, to: connection.channel)
                    return
                }
                try await converse(inbound, on: connection.channel)
            }
        } catch is CancellationError {
            return
        } catch {
            // Clients come and go; a mail that was not acknowledged comes again.
            logger.debug("a mail connection broke: \(error)")
        }
    }

    private func converse(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, on channel: any Channel) async throws {
        var session = MailSession(configuration: configuration)
        var chunks = inbound.makeAsyncIterator()
        repeat {
            var replies = ""
            while let action = session.nextAction() {
                switch action {
                case .reply(let reply):
                    replies += reply.wireText
                case .deliver(let mails):
                    session.delivered(try await deliver(mails, on: channel))
                case .close:
                    try await send(replies, to: channel)
                    return
                }
            }
            try await send(replies, to: channel)
            guard !Task.isCancelled else { break }
            guard let chunk = try await nextChunk(&chunks) else { break }
            session.receive(chunk)
        } while true
        if Task.isCancelled { try await send(.shuttingDown, to: channel) }
    }

    /// Nil at the end of the connection, and when the task is cancelled.
    private func nextChunk(
        _ chunks: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) async throws -> ByteBuffer? {
        do {
            return try await chunks.next()
        } catch is CancellationError {
            return nil
        }
    }

    /// Hands the mails to the service, whatever happens to this task or the connection meanwhile.
    private func deliver(_ mails: [ReceivedMail], on channel: any Channel) async throws -> [MailSession.Delivery] {
        try await channel.triggerUserOutboundEvent(IdleTimeoutHandler.Event.suspend).get()
        // A task of its own, because a delivery that has begun is not to be cancelled by a shutdown.
        let deliveries = await Task { () -> [MailSession.Delivery] in
            var deliveries: [MailSession.Delivery] = []
            for mail in mails { deliveries.append(await outcome(of: mail)) }
            return deliveries
        }.value
        try await channel.triggerUserOutboundEvent(IdleTimeoutHandler.Event.resume).get()
        return deliveries
    }

    private func outcome(of mail: ReceivedMail) async -> MailSession.Delivery {
        do {
            try await deliver(mail)
            return .stored
        } catch let refusal as MailRefusal {
            logger.warning("a mail for \(mail.recipient) is refused: \(refusal.reason)")
            return .refused(reason: refusal.reason)
        } catch {
            logger.error("a mail for \(mail.recipient) could not be stored, its sender will try again: \(error)")
            return .failed
        }
    }

    private func send(_ reply: SMTPReply, to channel: any Channel) async throws {
        try await send(reply.wireText, to: channel)
    }

    private func send(_ text: String, to channel: any Channel) async throws {
        guard !text.isEmpty else { return }
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }
}

/// How many connections are served.
final class ConnectionCount: Sendable {
    private let limit: Int
    private let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts one more connection, for which `leave` has to follow; false if there are as many as may be.
    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        count.withLock { $0 -= 1 }
    }
}
