import Glibc

/// What a connection's thread does: sends what tasks submit, hands out what the server answers, and sleeps in poll(2)
/// in between. Lives on that thread alone, as does the handle.
final class ConnectionLoop {
    let handle: LDAPHandle
    let mailbox: ConnectionMailbox
    let options: LDAPConnectionOptions
    let clock = ContinuousClock()

    /// Submitted, waiting for a place among the operations in flight.
    var waiting: ArraySlice<LDAPOperation> = []
    /// Sent, by message ID.
    var inFlight: [Int32: InFlightOperation] = [:]
    /// How many of those are no searches.
    var singlesInFlight = 0
    /// How many of those are part of a transaction.
    var notedInFlight = 0
    var nextExpiry: ContinuousClock.Instant
    /// When the server was heard last.
    var lastHeard: ContinuousClock.Instant
    /// When something was sent last, or the first of those that are waiting began to.
    var lastMoved: ContinuousClock.Instant
    /// Whether messages may have been read from the socket (by TLS, in records) that poll(2) knows nothing of.
    private var mayHaveUnread = false

    /// Messages handed out before submissions get a turn again.
    static let messagesPerRound = 128

    private init(handle: LDAPHandle, mailbox: ConnectionMailbox, options: LDAPConnectionOptions) {
        self.handle = handle
        self.mailbox = mailbox
        self.options = options
        self.nextExpiry = clock.now
        self.lastHeard = clock.now
        self.lastMoved = clock.now
    }

    /// The thread's whole life: connects, tells so, works until the connection is closed or lost.
    static func run(options: LDAPConnectionOptions, mailbox: ConnectionMailbox, connected: OneShot<Void>) {
        // Writing to a connection that the server has closed is an error here, not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        let handle: LDAPHandle
        do {
            handle = try LDAPHandle.connect(options)
        } catch {
            connected.finish(.failure(error))
            return
        }
        // Nobody waits for the connection any more if the task was cancelled meanwhile.
        if connected.finish(.success(())) {
            ConnectionLoop(handle: handle, mailbox: mailbox, options: options).run()
        }
        handle.close()
    }

    private func run() {
        do {
            while true {
                let canReadOn = mayHaveUnread && !isPaused
                let work = mailbox.take(willSleep: !canReadOn)
                // Appending nothing would copy what is there.
                if !work.operations.isEmpty {
                    if waiting.isEmpty { lastMoved = clock.now }
                    waiting += work.operations
                }
                if work.isClosing {
                    return end(code: .serverDown, message: "the connection has been closed")
                }
                work.cancellations.forEach(abandon)
                let isBlocked = try sendWaiting()
                let isIdle = work.operations.isEmpty && work.cancellations.isEmpty
                let isReadable = try wait(canSleep: !canReadOn && isIdle, isBlocked: isBlocked)
                if isReadable || (mayHaveUnread && !isPaused) {
                    mayHaveUnread = try receive(isReadable: isReadable)
                }
                expire()
            }
        } catch {
            let message = error.diagnosticMessage.isEmpty ? "" : ": \(error.diagnosticMessage)"
            let code = error.code == .decodingError ? error.code : LDAPResultCode.serverDown
            end(code: code, message: "the connection to \(handle.url) was lost\(message)")
        }
    }

    /// Waits for the server, for tasks, or for the next look at the time. Returns whether there is something to read.
    private func wait(canSleep: Bool, isBlocked: Bool) throws(LDAPError) -> Bool {
        let socket = handle.descriptor
        guard socket >= 0 else { throw handle.connectionError(.serverDown, "") }
        let events = (isPaused ? 0 : POLLIN) | (isBlocked ? POLLOUT : 0)
        var descriptors = [
            pollfd(fd: mailbox.wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
            // Without events of interest poll would still report a hang-up, again and again.
            pollfd(fd: events == 0 ? -1 : socket, events: Int16(events), revents: 0),
        ]
        // What the server takes note of is not worth being woken for each time, and waking us takes it longer than taking note.
        if canSleep, notedInFlight > 0, notedInFlight == inFlight.count { usleep(Self.collectingMicroseconds) }
        let timeout: Int32 = canSleep ? (inFlight.isEmpty && waiting.isEmpty ? -1 : tickMilliseconds) : 0
        _ = poll(&descriptors, 2, timeout)
        if descriptors[0].revents != 0 { mailbox.wakeUp.reset() }
        return descriptors[1].revents & ~Int16(POLLOUT) != 0
    }

    /// For so long, answers are left lying until there are some.
    private static let collectingMicroseconds: UInt32 = 2000

    /// Whether reading has to wait for consumers: all that is in flight are searches whose consumers are behind.
    private var isPaused: Bool {
        !inFlight.isEmpty && singlesInFlight == 0 && inFlight.values.allSatisfy { $0.operation.isBehind }
    }

    /// Ends everything that is waiting or in flight.
    private func end(code: LDAPResultCode, message: String) {
        let late = mailbox.end(code: code, message: message)
        for inFlightOperation in inFlight.values {
            inFlightOperation.flush()
            inFlightOperation.operation.fail(inFlightOperation.operation.error(code, message))
        }
        for operation in waiting + late {
            operation.fail(operation.error(code, message))
        }
        inFlight = [:]
        waiting = []
    }
}

/// An operation that has been sent, and what has arrived for it in this round.
final class InFlightOperation {
    let operation: LDAPOperation
    var lastActivity: ContinuousClock.Instant
    private var events: [LDAPSearchEvent] = []
    private(set) var byteCount = 0

    init(_ operation: LDAPOperation, at now: ContinuousClock.Instant) {
        self.operation = operation
        self.lastActivity = now
    }

    /// Keeps an event for the end of the round, so that the consumer is woken once.
    func append(_ event: LDAPSearchEvent, byteCount: Int) {
        if events.isEmpty { events.reserveCapacity(ConnectionLoop.messagesPerRound) }
        events.append(event)
        self.byteCount += byteCount
    }

    /// Hands the events of the round to the consumer.
    func flush() {
        guard case .search(let buffer) = operation.receiver, !events.isEmpty else { return }
        buffer.append(events, byteCount: byteCount)
        events = []
        byteCount = 0
    }
}
