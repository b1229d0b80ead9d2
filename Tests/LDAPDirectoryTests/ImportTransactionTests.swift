import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import LDAPClient
import LDAPDirectory
import SQLiteStore
import TestSupport
import Testing

@Suite("A large import")
struct ImportTransactionTests {
    private static let count = 600

    private func withImport(
        _ transactions: TransactionUse, _ body: (DirectoryImport) async throws -> Void
    ) async throws {
        try await withSlapd(.directory()) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = transactions
            try await body(destination)
        }
    }

    private func people(refusing refused: Int? = nil) -> [Change] {
        (1...Self.count).map { number in
            .person(number, Value("p\(number)"), [.telephoneNumber: [number == refused ? "ä" : "1"]])
        }
    }

    @Test("is written whole, in transactions and without", arguments: TransactionUse.allCases)
    func whole(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            #expect(try await destination.synchronize(people()).imported == Self.count)
            #expect(try await destination.names().count == Self.count)
            // The same again writes nothing.
            let before = try await destination.server.contextCSN()
            try await destination.synchronize(people())
            #expect(try await destination.server.contextCSN() == before)
        }
    }

    @Test("is written but for the one entry that the server refuses", arguments: TransactionUse.allCases)
    func refused(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            let report = try await destination.synchronize(people(refusing: 317))
            #expect(report.imported == Self.count - 1)
            let problems = try await destination.problems()
            #expect(problems.map(\.id) == [people()[316].id])
            #expect(problems.first?.reason.contains("telephoneNumber") == true)
            #expect(try await destination.names().count == Self.count - 1)
        }
    }

    @Test("is written in transactions from 500 changes on, and the one that the server refuses is looked for by halves")
    func bisected() async throws {
        var configuration = SlapdConfiguration.directory(
            globalLines: ["moduleload constraint"], logLevel: "stats")
        configuration.databaseLines = ["overlay constraint", "constraint_attribute title regex ^[^!]*$"]
        try await withSlapd(configuration) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = .auto
            func people(_ numbers: ClosedRange<Int>) -> [Change] {
                numbers.map { .person($0, Value("p\($0)"), [.title: [$0 == 1_317 ? "Boss!" : "Boss"]]) }
            }
            try await destination.synchronize(people(1...499))
            #expect(server.log.components(separatedBy: ImportOverlayTests.endOfTransaction).count == 1)
            try await destination.synchronize(people(1_001...1_600))
            #expect(try await destination.problems().map(\.id) == [.branch(1_317)])
            #expect(try await destination.names().count == 1_098)
            // One by one: the first one, which meets all attributes first. Then 599, 299 and 300 of them, 150 and 150 of
            // these, and the rest one by one.
            #expect(server.log.components(separatedBy: "oid=\(ImportOverlayTests.endOfTransaction)").count - 1 == 5)
        }
    }

    /// slapd 2.5 keeps numbers of attributes that a refused transaction has used first; see `writeInTransactions`.
    @Test("leaves a database that can be read, whatever is refused", arguments: TransactionUse.allCases)
    func readable(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            try await destination.synchronize([.person(9_999, "first")])
            try await destination.asAdministrator { connection in
                try await connection.addPerson("p300", in: DirectoryImport.branchDN)
            }
            let fields: [Field: [Value]] = [.l: ["Cork"], .street: ["1 Main Street"], .postalCode: ["T12"]]
            try await destination.synchronize((1...Self.count).map { .person($0, Value("p\($0)"), fields) })
            #expect(try await destination.problems().map(\.id) == [.branch(300)])
            for _ in 1...2 {
                let contents = try await destination.contents()
                #expect(contents.values.filter { $0["l"] == ["Cork"] }.count == Self.count - 1)
                await destination.server.stop()
                try await destination.server.restart()
            }
        }
    }

    /// From the second batch on the server takes note of entries while others are still being planned.
    private func withBatches(_ body: (DirectoryImport) async throws -> Void) async throws {
        try await withImport(.auto) { destination in
            var batched = destination
            batched.batchSize = Self.count
            batched.readsAhead = true
            try await body(batched)
        }
    }

    @Test("of several batches is written but for the one entry that the server refuses, and that the schema does not")
    func refusedAhead() async throws {
        try await withBatches { destination in
            try await destination.asAdministrator { connection in
                try await connection.add(
                    dn: DirectoryImport.branchDN,
                    attributes: [
                        LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", "branch"),
                    ])
                try await connection.addPerson("p1000", in: DirectoryImport.branchDN)
            }
            let people = (1...2 * Self.count).map { Change.person($0, Value("p\($0)")) }
            #expect(try await destination.synchronize(people).imported == 2 * Self.count - 1)
            #expect(try await destination.problems().map(\.id) == [.branch(1_000)])
            #expect(try await destination.names().count == 2 * Self.count)
        }
    }

    @Test("of several batches that are foreseen is what it is without transactions")
    func foreseen() async throws {
        let people = (1...3 * Self.count).map { number -> Change in
            let title = Value("Title \(number % 7)")
            return Change.person(number, Value("p\(number)"), in: number % 3 == 0 ? 5_000 : nil, [.title: [title]])
        }
        var first: [[String: [String: [String]]]] = []
        var contents: [[String: [String: [String]]]] = []
        for transactions in TransactionUse.allCases {
            try await withImport(transactions) { destination in
                var batched = destination
                batched.batchSize = Self.count
                batched.readsAhead = true
                let report = try await batched.synchronize(hierarchy: [.container(5_000, "sales")], people)
                #expect(report.imported == people.count + 1)
                first.append(try await batched.contents())
                // Another title for all, and another container: nothing of what was foreseen before holds.
                let changed = people.map { change -> Change in
                    guard var entry = change.entry else { return change }
                    entry.fields[.title] = ["Boss"]
                    return .upsert(entry)
                }
                try await batched.synchronize(hierarchy: [.container(5_000, "selling")], changed)
                contents.append(try await batched.contents())
            }
        }
        #expect(first.count == 2 && first.first == first.last)
        #expect(contents.count == 2 && contents.first == contents.last)
        #expect(contents.first?.count { $0.key.contains("ou=selling") && $0.value["title"] == ["Boss"] } == Self.count)
    }

    @Test("from a log is noted by the server while it still writes what comes before")
    func noted() async throws {
        try await withSlapd(.directory(logLevel: "stats")) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = .auto
            var step = Step(now: destination.now)
            step.appended = (1...5_000).map { Change.person($0, Value("p\($0)")) }
            try await StoredSynchronizationState.open("log", .contents, in: destination.store).commit(step)
            let source = LogSource(ChangeLog(store: destination.store), .contents, view: .all, through: 5_000)
            #expect(try await destination.synchronizer(.contents, from: source).synchronize().imported == 5_000)
            #expect(try await destination.names().count == 5_000)
            let (begun, ended, openMax) = transactions(in: server.log)
            #expect(begun == ended)
            #expect(openMax == 2)
        }
    }

    /// How many the server has begun and ended by its log, and how many were open at once.
    private func transactions(in log: String) -> (begun: Int, ended: Int, openMax: Int) {
        var (begun, ended, openMax) = (0, 0, 0)
        for line in log.split(separator: "\n") {
            if line.contains("oid=\(ImportOverlayTests.startOfTransaction)") { begun += 1 }
            if line.contains("oid=\(ImportOverlayTests.endOfTransaction)") { ended += 1 }
            openMax = max(openMax, begun - ended)
        }
        return (begun, ended, openMax)
    }

    @Test("of which something else comes than was foreseen is what comes", arguments: [1, 5, 400])
    func foreseenDifferently(missing: Int) async throws {
        try await withSlapd(.directory(logLevel: "stats")) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = .auto
            let collector = try await destination.collector(destination.state(.contents))
            func offer(_ changes: some Collection<Change>) async throws {
                let outcomes = try await collector.importChanges(changes.map { OfferedChange($0) }).outcomes
                let imported = outcomes.count { if case .imported = $0 { true } else { false } }
                #expect(imported == changes.count)
            }
            func foresee(_ changes: some Collection<Change>) async {
                await collector.foresee(changes.map { Observation(.change($0)) })
            }
            let people = (1...4 * Self.count).map { Change.person($0, Value("p\($0)")) }
            let batches = (0..<4).map { people[$0 * Self.count..<($0 + 1) * Self.count] }
            try await offer(batches[0])
            await foresee(batches[1])
            try await offer(batches[1].dropFirst(missing))
            // Another title.
            await foresee(batches[2])
            try await offer(
                batches[2].map { change in
                    guard var entry = change.entry else { return change }
                    entry.fields[.title] = ["Boss"]
                    return .upsert(entry)
                })
            // None of them.
            await foresee(batches[3])
            _ = try await collector.finish()
            let contents = try await destination.contents()
            #expect(contents.count { $0.key.hasPrefix("uid=") } == 3 * Self.count - missing)
            #expect(contents.values.count { $0["title"] == ["Boss"] } == Self.count)
            // Also what is not wanted is ended in good order: one, two of the second and the third batch each, and one.
            let (begun, ended, _) = transactions(in: server.log)
            #expect(begun == 6 && ended == 6)
            let crash = try await destination.server.restartAfterCrash()
            #expect(crash == nil)
        }
    }

    /// What the server has begun to add, by its log, before it had answered for the entry above.
    private func additionsBeforeTheirParents(in log: String) -> [String] {
        var begun: [Substring: Substring] = [:]
        var early: [String] = []
        for line in log.split(separator: "\n") {
            guard let operation = line.firstRange(of: #/conn=\d+ op=\d+/#).map({ line[$0] }) else { continue }
            if let dn = line.firstMatch(of: #/ADD dn="(.*)"/#)?.1 {
                let parent = dn.drop { $0 != "," }.dropFirst()
                if begun.values.contains(parent) { early.append(String(dn)) }
                begun[operation] = dn
            } else if line.contains("RESULT") {
                begun[operation] = nil
            }
        }
        return early
    }

    enum Obstacle: CaseIterable {
        /// Others have made one of the first level and one of the second.
        case there
        /// One of them stands elsewhere, and is to be adopted.
        case elsewhere
    }

    /// Three levels of containers.
    @Test("of containers of several levels is what it is without transactions", arguments: [nil] + Obstacle.allCases)
    func trees(obstacle: Obstacle?) async throws {
        let containers = (1...Self.count).reversed().map { number in
            Change.container(number, Value("ou\(number)"), in: number > 9 ? number / 9 : nil)
        }
        var contents: [[String: [String: [String]]]] = []
        var problems: [[Problem]] = []
        for transactions in TransactionUse.allCases {
            try await withSlapd(.directory(logLevel: "stats")) { server in
                var destination = try DirectoryImport(into: server)
                destination.transactions = transactions
                if obstacle == .elsewhere { destination.adoption = "ou" }
                try await destination.synchronize(hierarchy: [.container(5_000, "first")])
                let obstacles: [String] =
                    switch obstacle {
                    case .there: ["ou=ou1,\(DirectoryImport.branchDN)", "ou=ou10,ou=ou1,\(DirectoryImport.branchDN)"]
                    case .elsewhere: ["ou=ou1,\(SlapdServer.importBase)"]
                    case nil: []
                    }
                try await destination.asAdministrator { connection in
                    for dn in obstacles {
                        let attributes = [LDAPAttribute("objectClass", "organizationalUnit")]
                        try await connection.add(dn: dn, attributes: attributes)
                    }
                }
                try await destination.synchronize(hierarchy: containers)
                contents.append(try await destination.contents())
                problems.append(try await destination.problems())
                let ends = server.log.components(separatedBy: "oid=\(ImportOverlayTests.endOfTransaction)").count - 1
                if transactions == .auto {
                    #expect(obstacle == .there ? ends > 1 : ends == 1)
                    #expect(additionsBeforeTheirParents(in: server.log) == [])
                }
            }
        }
        #expect(contents.count == 2 && contents.first == contents.last)
        #expect(problems.first?.map(\.id) == problems.last?.map(\.id))
        #expect((contents.first?.count ?? 0) > (obstacle == .there ? Self.count / 2 : Self.count))
    }

    @Test("of several batches is not written in a transaction of a few")
    func fewAhead() async throws {
        try await withSlapd(.directory(logLevel: "stats")) { server in
            var destination = try DirectoryImport(into: server)
            destination.transactions = .auto
            destination.batchSize = Self.count
            // All but ten of the second batch have an attribute that has not been met.
            let people = (1...2 * Self.count).map { number in
                Change.person(
                    number, Value("p\(number)"), number > Self.count + 10 ? [.title: ["Engineer"]] : [:])
            }
            #expect(try await destination.synchronize(people).imported == people.count)
            #expect(try await destination.names().count == people.count)
            #expect(server.log.components(separatedBy: "oid=\(ImportOverlayTests.endOfTransaction)").count - 1 == 2)
        }
    }

    @Test("of several batches gives a name that several want to the one with the lowest ID, whoever came first")
    func namesAhead() async throws {
        try await withBatches { destination in
            var people = (1...2 * Self.count).map { Change.person($0 + 10, Value("p\($0)")) }
            people.insert(.person(5_000, "same"), at: 700)
            people.insert(.person(2, "same"), at: 900)
            people.insert(.person(5_001, "same"), at: 1_100)
            #expect(try await destination.synchronize(people).imported == people.count)
            // Those that step aside are named by `cn`: nothing of their `uid` may change.
            let expected = ["uid=same"] + [5_000, 5_001].map { "cn=same\(EntryID.branch($0).suffix)" }
            let names = try await destination.names().filter { $0.contains("=same") }
            #expect(names == expected.map { $0 + ",ou=branch" }.sorted())
            let plain = try await destination.entry("uid=same,ou=branch")
            #expect(plain?.text("interorgEntryUUID") == EntryID.branch(2).uuid.text)
        }
    }

    @Test(
        "that is stopped in the middle of a transaction ends that first, and the server lives",
        arguments: [(batches: 1, addition: 300), (2, 900), (4, 2_100)])
    func stopped(_ batches: Int, _ addition: Int) async throws {
        try await withSlapd(.directory(logLevel: "stats")) { server in
            try await FaultyProxy.with(serverPort: server.portNumber) { proxy in
                var destination = try DirectoryImport(into: server)
                destination.transactions = .auto
                destination.batchSize = Self.count
                destination.readsAhead = true
                var stopped = destination
                stopped.url = proxy.url
                let count = batches * Self.count
                let (interrupted, people) = (stopped, (1...count).map { Change.person($0, Value("p\($0)")) })
                let reached = AsyncStream.makeStream(of: Void.self)
                let cancelled = AsyncStream.makeStream(of: Void.self)
                proxy.strike(
                    at: addition, of: .add,
                    with: .wait {
                        reached.continuation.finish()
                        for await _ in cancelled.stream {}
                    })
                let task = Task { try await interrupted.synchronize(people) }
                for await _ in reached.stream {}
                task.cancel()
                cancelled.continuation.finish()
                _ = await task.result
                #expect(proxy.hasStruck)
                let (begun, ended, _) = transactions(in: server.log)
                #expect(begun == ended)
                let crash = try await destination.server.restartAfterCrash()
                #expect(crash == nil)
                let names = try await destination.names()
                // The last ones may have been noted only, and then nothing is written of them.
                #expect(names.count % Self.count == 0)
                #expect(names.count >= Self.count)
            }
        }
    }

    @Test("goes on where a part of it was written before an interruption", arguments: TransactionUse.allCases)
    func interrupted(_ transactions: TransactionUse) async throws {
        try await withImport(transactions) { destination in
            try await destination.synchronize(people())
            // The state is one that knows nothing of it.
            var restored = try DirectoryImport(into: destination.server)
            restored.transactions = transactions
            #expect(try await restored.synchronize(people()).unchanged == Self.count)
            #expect(try await restored.names().count == Self.count)
            #expect(try await restored.problems().isEmpty)
        }
    }
}
