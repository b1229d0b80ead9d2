import Synchronization

/// Where tasks leave what the connection's thread is to do. Nothing here blocks for longer than a few instructions.
final class ConnectionMailbox: Sendable {
    /// What the thread finds.
    struct Work {
        var operations: [LDAPOperation] = []
        /// IDs of operations that nobody waits for any more.
        var cancellations: [UInt64] = []
        var isClosing = false
    }

    private struct State {
        var work = Work()
        var isThreadAsleep = false
        var lastID: UInt64 = 0
        /// Set when the thread takes no more work.
        var end: (code: LDAPResultCode, message: String)?
    }

    private let state = Mutex(State())
    let wakeUp: WakeUpDescriptor

    init(wakeUp: WakeUpDescriptor) {
        self.wakeUp = wakeUp
    }

    /// Whether operations are still accepted.
    var isOpen: Bool { state.withLock { $0.end == nil && !$0.work.isClosing } }

    /// Hands an operation to the thread, or fails it at once when the connection has ended.
    func submit(_ request: LDAPRequest, controls: [LDAPControl], receiver: LDAPOperation.Receiver) -> LDAPOperation {
        submit([(request, receiver)], controls: controls)[0]
    }

    /// Hands operations to the thread together.
    func submit(
        _ requests: [(request: LDAPRequest, receiver: LDAPOperation.Receiver)], controls: [LDAPControl],
        isNoted: Bool = false
    ) -> [LDAPOperation] {
        let (operations, end, mustWake) = state.withLock { state in
            var operations: [LDAPOperation] = []
            operations.reserveCapacity(requests.count)
            for (request, receiver) in requests {
                state.lastID += 1
                operations.append(
                    LDAPOperation(
                        id: state.lastID, request: request, controls: controls, receiver: receiver, isNoted: isNoted))
            }
            let end = state.work.isClosing ? (.serverDown, "the connection has been closed") : state.end
            if end == nil { state.work.operations += operations }
            return (operations, end, end == nil && Self.wake(&state))
        }
        if mustWake { wakeUp.signal() }
        if let end {
            for operation in operations { operation.fail(operation.error(end.code, end.message)) }
        }
        return operations
    }

    /// Tells the thread that nobody waits for the operations any more.
    func cancel(ids: [UInt64]) {
        change { $0.cancellations += ids }
    }

    /// Tells the thread to end the connection.
    func close() {
        change { $0.isClosing = true }
    }

    /// Tells the thread that a consumer has caught up.
    func resume() {
        change { _ in }
    }

    private func change(_ body: (inout Work) -> Void) {
        let mustWake = state.withLock { state in
            guard state.end == nil else { return false }
            body(&state.work)
            return Self.wake(&state)
        }
        if mustWake { wakeUp.signal() }
    }

    /// One signal is enough for each sleep.
    private static func wake(_ state: inout State) -> Bool {
        defer { state.isThreadAsleep = false }
        return state.isThreadAsleep
    }

    // MARK: The thread's side

    /// Takes what has come. If there is nothing, `willSleep` makes the next arrival signal the descriptor.
    func take(willSleep: Bool) -> Work {
        state.withLock { state in
            let work = state.work
            state.work = Work(isClosing: work.isClosing)
            let isEmpty = work.operations.isEmpty && work.cancellations.isEmpty && !work.isClosing
            state.isThreadAsleep = willSleep && isEmpty
            return work
        }
    }

    /// Ends the mailbox, and returns the operations that came too late.
    func end(code: LDAPResultCode, message: String) -> [LDAPOperation] {
        state.withLock { state in
            state.end = (code, message)
            defer { state.work = Work() }
            return state.work.operations
        }
    }
}
