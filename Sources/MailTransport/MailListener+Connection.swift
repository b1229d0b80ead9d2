import Logging
import NIOCore
import Synchronization

extension MailListener {
    /// Replies do not go through the asynchronous writer, which refuses them in a cancelled task: the reply to a finished
    /// delivery must go out while the service shuts down.
    typealias Connection = NIOAsyncChannel<ConnectionInput, Never>

    /// What all connections have in common.
    struct Shared: Sendable {
        let gate: ConnectionGate
        let memory: MemoryBudget
        let tls: ListenerTLSContext?
    }

    /// Speaks with one client to the end.
    func serve(_ connection: Connection, _ shared: Shared) async {
        let client = ConnectionGate.key(of: connection.channel.remoteAddress)
        let admission = shared.gate.enter(client, minute: Int(Self.uptimeSeconds / 60))
        defer { if admission == .allowed { shared.gate.leave(client) } }
        do {
            try await connection.executeThenClose { inbound in
                guard admission == .allowed else {
                    return try await sendAway(connection.channel, admission)
                }
                let timer = connection.channel.eventLoop.scheduleTask(
                    in: .seconds(Int64(configuration.connectionSecondsMax))
                ) {
                    connection.channel.writeAndFlush(
                        ByteBuffer(string: SMTPReply.lastingTooLong.wireText), promise: nil)
                    connection.channel.close(promise: nil)
                }
                defer { timer.cancel() }
                try await converse(inbound, on: connection.channel, shared)
            }
        } catch is CancellationError {
            return
        } catch {
            // Clients come and go; a mail that was not acknowledged comes again.
            logger.debug("a mail connection broke: \(error)")
        }
    }

    private func sendAway(_ channel: any Channel, _ admission: ConnectionGate.Admission) async throws {
        switch admission {
        case .allowed: return
        case .tooMany:
            warn("a mail connection was sent away: there are already \(configuration.connectionsMax)")
            try await send(.tooManyConnections, to: channel)
        case .tooManyOfClient, .tooFast:
            let client = channel.remoteAddress?.ipAddress ?? "?"
            warn("a mail connection of \(client) was sent away: too many come from there")
            try await send(.tooManyConnectionsOfClient, to: channel)
        }
    }

    private func converse(
        _ inbound: NIOAsyncChannelInboundStream<ConnectionInput>, on channel: any Channel, _ shared: Shared
    ) async throws {
        var session = MailSession(configuration: configuration)
        var inputs = inbound.makeAsyncIterator()
        var heldBytes = 0
        defer { shared.memory.release(heldBytes) }
        repeat {
            var replies = ""
            while let action = session.nextAction() {
                switch action {
                case .reply(let reply):
                    replies += reply.wireText
                case .reserve(let bytes):
                    shared.memory.release(heldBytes)
                    heldBytes = shared.memory.reserve(bytes) ? bytes : 0
                    session.reserved(heldBytes > 0)
                case .startTLS:
                    try await send(replies, to: channel)
                    replies = ""
                    try await startTLS(on: channel, shared)
                case .deliver(let mails):
                    session.delivered(try await deliver(mails, on: channel))
                case .close:
                    try await send(replies, to: channel)
                    return
                }
            }
            if session.phase == .command {
                shared.memory.release(heldBytes)
                heldBytes = 0
            }
            try await send(replies, to: channel)
            guard !Task.isCancelled else { break }
            switch try await next(&inputs) {
            case .bytes(let bytes):
                if session.phase != .securing { session.receive(bytes) }
            case .secured: session.secured()
            case nil: return try await sayShuttingDown(on: channel)
            }
        } while true
        try await sayShuttingDown(on: channel)
    }

    private func sayShuttingDown(on channel: any Channel) async throws {
        if Task.isCancelled { try await send(.shuttingDown, to: channel) }
    }

    private func startTLS(on channel: any Channel, _ shared: Shared) async throws {
        guard let tls = shared.tls else { return }
        let context = tls.current { logger.error("\($0)") }
        try await channel.triggerUserOutboundEvent(StartTLSHandler.Event(context: context)).get()
    }

    /// Nil at the end of the connection, and when the task is cancelled.
    private func next(
        _ inputs: inout NIOAsyncChannelInboundStream<ConnectionInput>.AsyncIterator
    ) async throws -> ConnectionInput? {
        do {
            return try await inputs.next()
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
            warn("a mail for \(mail.recipient) is refused: \(refusal.reason)")
            return .refused(reason: refusal.reason)
        } catch let full as MailStorageFull {
            warn("a mail has to come again later: \(full.reason)")
            return .full
        } catch {
            logger.error("a mail for \(mail.recipient) could not be stored, its sender will try again: \(error)")
            return .failed
        }
    }

    /// Says what anybody who can connect can cause.
    private func warn(_ text: String) {
        if let ending = notices.withLock({ $0.ending(of: text, now: Self.uptimeSeconds) }) {
            logger.warning("\(text)\(ending)")
        }
    }

    /// Of a clock that only goes forward.
    private static var uptimeSeconds: Double {
        Double(NIODeadline.now().uptimeNanoseconds) / 1e9
    }

    private func send(_ reply: SMTPReply, to channel: any Channel) async throws {
        try await send(reply.wireText, to: channel)
    }

    private func send(_ text: String, to channel: any Channel) async throws {
        guard !text.isEmpty else { return }
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }
}

/// How much of the mails that are coming is held in memory together.
final class MemoryBudget: Sendable {
    private let bytesMax: Int
    private let bytes = Mutex(0)

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Takes so many bytes, for which `release` has to follow; false if there are not as many left. One mail is always
    /// possible.
    func reserve(_ count: Int) -> Bool {
        bytes.withLock { bytes in
            guard bytes == 0 || bytes + count <= bytesMax else { return false }
            bytes += count
            return true
        }
    }

    func release(_ count: Int) {
        bytes.withLock { $0 -= count }
    }
}
