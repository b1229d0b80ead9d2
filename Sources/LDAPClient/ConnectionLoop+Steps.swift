import Glibc

extension ConnectionLoop {
    // MARK: Sending

    /// Sends as many waiting operations as may be in flight. Returns whether the socket takes no more for now:
    /// reading must go on then, since the server may be waiting for us to read.
    func sendWaiting() throws(LDAPError) -> Bool {
        var isBlocked = false
        // What is sent together arrives together: a server that reads one at a time wakes a thread for each.
        let isMany = min(waiting.count, room) > 1
        if isMany { handle.holdBack(true) }
        defer { if isMany { handle.holdBack(false) } }
        while !waiting.isEmpty, !handle.isStuck, room > 0 {
            guard isWritable else {
                isBlocked = true
                break
            }
            if let operation = waiting.popFirst() { send(operation) }
        }
        if handle.isStuck { throw handle.connectionError(.serverDown, "the server took no data for too long") }
        return isBlocked
    }

    /// For how many more of what comes next there is room among the operations in flight.
    private var room: Int {
        guard let next = waiting.first else { return 0 }
        // slapd ends a connection that nobody has bound to and that asks so much at once.
        let mayPile = if case .anonymous = options.credentials { false } else { next.isNoted }
        return (mayPile ? max(Self.notedInFlightMax, options.operationsInFlightMax) : options.operationsInFlightMax)
            - singlesInFlight
    }

    /// Taking note takes a server hardly any time: the more is on its way, the sooner. That slapd puts some of them off costs
    /// less than to wait for it.
    private static let notedInFlightMax = 256

    private func send(_ operation: LDAPOperation) {
        do {
            let messageID = try handle.send(operation)
            lastMoved = clock.now
            inFlight[messageID] = InFlightOperation(operation, at: lastMoved)
            if !operation.isSearch { singlesInFlight += 1 }
            if operation.isNoted { notedInFlight += 1 }
        } catch {
            operation.fail(error)
        }
    }

    private var isWritable: Bool {
        var descriptor = pollfd(fd: handle.descriptor, events: Int16(POLLOUT), revents: 0)
        // A hang-up counts as writable: sending finds out what is wrong.
        return poll(&descriptor, 1, 0) > 0
    }

    /// Gives up an operation that nobody waits for any more.
    func abandon(id: UInt64) {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: index)
        } else if let messageID = inFlight.first(where: { $0.value.operation.id == id })?.key {
            forget(messageID)
            handle.abandon(messageID: messageID)
        }
    }

    private func forget(_ messageID: Int32) {
        guard let removed = inFlight.removeValue(forKey: messageID) else { return }
        if !removed.operation.isSearch { singlesInFlight -= 1 }
        if removed.operation.isNoted { notedInFlight -= 1 }
    }

    // MARK: Receiving

    /// Hands out what has arrived, one round at most. Returns whether there may be more.
    func receive(isReadable: Bool) throws(LDAPError) -> Bool {
        var touched: [InFlightOperation] = []
        defer { for target in touched { target.flush() } }
        let now = clock.now
        var byteCount = 0
        for count in 0..<Self.messagesPerRound {
            guard let (messageID, content) = try handle.receive() else {
                if count == 0, isReadable, isAtEnd { throw handle.connectionError(.serverDown, "") }
                return false
            }
            lastHeard = now
            guard let target = inFlight[messageID] else {
                try receiveUnsolicited(messageID, content)
                continue
            }
            target.lastActivity = now
            switch content {
            case .event(let event, let eventBytes):
                if target.byteCount == 0 { touched.append(target) }
                target.append(event, byteCount: eventBytes + 1)
                byteCount += eventBytes
            case .result(let result):
                target.flush()
                forget(messageID)
                target.operation.complete(result)
            }
            if byteCount >= SearchBuffer.bytesMax { break }
        }
        return true
    }

    /// Message ID 0 is the server speaking on its own: that it is about to disconnect (RFC 4511, section 4.4.1).
    /// Others belong to operations that have been abandoned.
    private func receiveUnsolicited(_ messageID: Int32, _ content: LDAPMessageContent) throws(LDAPError) {
        guard messageID == 0, case .result(let result) = content else { return }
        throw handle.connectionError(.serverDown, "the server said \(result.code) \(result.diagnosticMessage)")
    }

    /// Whether the server has closed its side. libldap does not look while it waits for nothing.
    private var isAtEnd: Bool {
        var byte: UInt8 = 0
        return recv(handle.descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0
    }

    // MARK: Time

    /// How often the time is looked at: a quarter of the timeout, at most a second.
    var tickMilliseconds: Int32 {
        let (seconds, microseconds) = options.operationTimeout.secondsAndMicroseconds
        return Int32(min(1000, max(10, (seconds * 1000 + microseconds / 1000) / 4)))
    }

    /// Fails what has had no answer for too long; and what is waiting for its turn, if for as long nothing was sent and the server
    /// has said nothing.
    func expire() {
        let now = clock.now
        guard now >= nextExpiry else { return }
        nextExpiry = now + .milliseconds(tickMilliseconds)
        if now - max(lastMoved, lastHeard) > options.operationTimeout {
            for operation in waiting { operation.fail(operation.error(.timeout, silence)) }
            waiting = []
        }
        for (messageID, target) in inFlight {
            if case .search(let search) = target.operation.request, search.isPersistent { continue }
            if target.operation.isBehind {
                target.lastActivity = now
            } else if now - target.lastActivity > options.operationTimeout {
                forget(messageID)
                handle.abandon(messageID: messageID)
                target.operation.fail(target.operation.error(.timeout, silence))
            }
        }
    }

    private var silence: String { "no answer within \(options.operationTimeout)" }
}
