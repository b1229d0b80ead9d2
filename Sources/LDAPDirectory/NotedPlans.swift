import AddressBook
import LDAPClient
import Synchronization

/// Plans for new entries of a batch to come, of which the server takes note while it still writes the batch before: in a
/// transaction that is carried out when the batch comes, or written off.
final class NotedPlans: Sendable {
    let transaction: GrowingTransaction
    let connection: LDAPConnection
    private let noted = Mutex<[EntryPlan]>([])

    init(on connection: LDAPConnection) {
        self.connection = connection
        transaction = GrowingTransaction(on: connection)
    }

    /// In the order in which they were added.
    var plans: [EntryPlan] { noted.withLock { $0 } }

    func add(_ plans: some Collection<EntryPlan>) {
        noted.withLock { $0 += plans }
        transaction.add(plans.compactMap(\.write))
    }
}

/// The connections on which a server takes note of batches to come; opened when they are needed. Whoever ends a transaction
/// there must do so before they are closed.
final class NotingConnections: Sendable {
    private struct Open {
        var connections: [LDAPConnection] = []
        var isClosed = false
    }

    /// One for the batch that is being written, and one for the next.
    static let countMax = 2

    private let options: LDAPConnectionOptions
    private let open = Mutex(Open())

    init(_ options: LDAPConnectionOptions) {
        self.options = options
    }

    /// One that is none of these; nil if there are as many as may be. Throws an ``LDAPError`` if it cannot be opened.
    func connection(besides used: [LDAPConnection]) async throws -> LDAPConnection? {
        guard used.count < Self.countMax else { return nil }
        let free = open.withLock { open in
            open.connections.removeAll { !$0.isOpen }
            return open.connections.first { connection in !used.contains { $0 === connection } }
        }
        if let free { return free }
        let new = try await LDAPConnection.connect(options)
        let isClosed = open.withLock { open in
            if !open.isClosed { open.connections.append(new) }
            return open.isClosed
        }
        guard isClosed else { return new }
        new.close()
        return nil
    }

    func close() {
        let connections = open.withLock { open in
            open.isClosed = true
            return open.connections
        }
        for connection in connections { connection.close() }
    }
}
