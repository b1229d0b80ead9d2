import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import LDAPClient
import LDAPDirectory
import SQLiteStore
import Synchronization
import SynchronizationTestSupport
import TestSupport
import Testing

@Suite(
    "A server that goes away in the middle, and comes back within the same synchronization", .timeLimit(.minutes(10)))
struct ReconnectionTests {
    /// Short pauses, as many as it takes.
    private static func retry(_ notify: @escaping @Sendable (Retry.Notice) -> Void = { _ in }) -> Retry {
        let start = ContinuousClock.now
        return Retry(
            Backoff(first: .milliseconds(10), longest: .milliseconds(100), patience: .seconds(60)),
            pauses: Pauses(
                elapsed: { start.duration(to: .now) }, wait: { try await Task.sleep(for: $0) },
                random: { .random(in: 0..<1) }),
            isTransient: { ($0 as? LDAPError)?.isTransient ?? false }, notify: notify)
    }

    // MARK: - Reading

    /// Kills the directory's server as soon as a batch has come, once, and starts it again.
    private actor KillingTheServer: Collector {
        private let server: SlapdServer
        private let collector: any Collector
        private(set) var restart: Task<Void, any Error>?

        init(_ server: SlapdServer, _ collector: any Collector) {
            self.server = server
            self.collector = collector
        }

        func importChanges(_ changes: [OfferedChange]) async throws -> ImportResult {
            if restart == nil {
                await server.kill9()
                restart = Task { [server] in try await server.restart() }
            }
            return try await collector.importChanges(changes)
        }
    }

    @Test("a refresh that kill -9 has interrupted is read again: nothing is deleted, nothing is exported twice")
    func killedInRefresh() async throws {
        // More than fits into the buffers between the server and the reader.
        let configuration = SlapdConfiguration.directory(
            more: IncompleteReadTests.ldif(
                people: 1300, title: String(repeating: "x", count: 20_000)))
        try await withSlapd(configuration) { server in
            let export = try DirectoryExport(of: server)
            let log = ChangeLog(store: export.store)
            let collector = KillingTheServer(
                server, LogCollector(log, owner: DirectoryExport.organization, entryBytesMax: 10_000_000))
            let told = Mutex<[String]>([])
            let retry = Self.retry { notice in told.withLock { $0.append("\(notice)") } }
            let report = try await Synchronizer(
                from: RetryingSource(export.source(.contents), retry), to: collector, state: export.state(.contents),
                deletionGuard: DeletionGuard(), now: { Date() }
            ).synchronize()
            try await collector.restart?.value
            #expect(report.imported == 1300)
            #expect(report.read > 1300)
            #expect(report.held == 0)
            #expect(try await log.line().highest == 1300)
            #expect(try await export.store.problems().isEmpty)
            #expect(told.withLock { $0.count } == 2)
            // The cursor is that of the second reading.
            #expect(try await export.synchronize().imported == 0)
        }
    }

    @Test("a reading that was cut off goes on from the committed cookie, and not from nothing")
    func cutWhileReading() async throws {
        let configuration = SlapdConfiguration.directory(
            sessionLogSize: 1000, logLevel: "stats",
            more: IncompleteReadTests.ldif(
                people: 400, title: String(repeating: "x", count: 2_000)))
        try await withSlapd(configuration) { server in
            try await CuttingProxy.with(serverPort: server.portNumber) { proxy in
                let export = try DirectoryExport(of: server)
                let state = try await export.state(.contents)
                let log = ChangeLog(store: export.store)
                var access = try await server.access(of: DirectoryExport.organization)
                access.connection.url = "ldap://127.0.0.1:\(proxy.port)"
                let source = DirectorySource(
                    access, base: try LDAPDN(export.base), userFilter: nil, stream: .contents,
                    index: state.sourceIndex, audit: AuditSchedule(every: .seconds(86_400), now: { Date() }),
                    newRefresh: { RefreshID(UUID()) })
                let synchronizer = Synchronizer(
                    from: RetryingSource(source, Self.retry()),
                    to: LogCollector(log, owner: DirectoryExport.organization, entryBytesMax: 10_000_000),
                    state: state, deletionGuard: DeletionGuard(), now: { Date() })
                #expect(try await synchronizer.synchronize().imported == 400)

                let administrator = try await server.connect()
                defer { administrator.close() }
                let title = String(repeating: "y", count: 2_000)
                for number in 0..<300 { try await administrator.set("title", of: "p\(number)", to: title) }
                proxy.cut(afterBytes: [30_000, 200_000, 500_000])
                let report = try await synchronizer.synchronize()
                #expect(proxy.cutCount == 3)
                #expect(proxy.connectionCount == 5)
                #expect(report.imported == 300)
                #expect(try await log.line().highest == 700)
                // From nothing it would have been all 400 and their container.
                #expect(server.log.contains("nentries=300 "))
            }
        }
    }

    // MARK: - Writing

    /// What one organization imports, one batch at a time.
    private struct Import {
        let access: DirectoryAccess
        let store: ServiceStore
        let retry: Retry
        private let strays = StrayEntries()

        init(_ access: DirectoryAccess, _ retry: Retry) throws {
            self.access = access
            self.retry = retry
            store = try ServiceStore(database: DatabaseQueue())
        }

        func synchronize(_ changes: [Change]) async throws -> SynchronizationReport {
            guard let importBase = access.importBase else { throw TestSupportError("there is no import base") }
            let state = try await StoredSynchronizationState.open(
                "import", .contents, SynchronizationEnds(destination: "directory"), in: store)
            let collector = DirectoryCollector(
                access, ImportRules(base: importBase), index: state.destinationIndex, strays: strays,
                organizationName: { _ in "branch" })
            let source = ListedSource([ChangeBatch(observations: changes.map { Observation(.change($0)) })])
            return try await Synchronizer(
                from: FromTheStart(source: source), to: RetryingCollector(collector, retry), state: state,
                deletionGuard: DeletionGuard(count: 10_000, percent: 100), now: { Date() }
            ).synchronize()
        }

        private struct FromTheStart: ChangeSource {
            let source: ListedSource

            func read(after cursor: IncrementalSync.Cursor?) -> any ChangeReader { source.read(after: nil) }
        }
    }

    /// Kills the server when an entry has come into being, and starts it again.
    private static func killAndRestart(_ server: SlapdServer, whenThere dn: String) async throws {
        let connection = try await server.connect()
        defer { connection.close() }
        try await waitUntil("\(dn) is there") { try await connection.entry(dn: dn, attributes: ["1.1"]) != nil }
        await server.kill9()
        try await server.restart()
    }

    /// The names and titles of the imported people.
    private static func people(
        in server: SlapdServer, below base: String = DirectoryImport.branchDN
    ) async throws -> [String: String] {
        let connection = try await server.connect()
        defer { connection.close() }
        let entries = try await connection.entries(
            base: base, scope: .oneLevel, attributes: ["uid", "title"])
        return Dictionary(
            entries.map { ($0.text("uid") ?? $0.dn, $0.text("title") ?? "") }, uniquingKeysWith: { "\($0) twice \($1)" }
        )
    }

    @Test("an import that kill -9 has interrupted goes on: every change arrives, and nothing is there twice")
    func killedInImport() async throws {
        try await withSlapd(.directory()) { server in
            let destination = try Import(try await server.access(of: DirectoryImport.own), Self.retry())
            let first = (0..<1500).map { Change.person($0, Value("p\($0)"), [.title: ["Old"]]) }
            async let firstKill: Void = Self.killAndRestart(
                server, whenThere: "uid=p300,\(DirectoryImport.branchDN)")
            let added = try await destination.synchronize(first)
            try await firstKill
            #expect(added.imported + added.unchanged == 1500)
            #expect(added.refused == 0)
            var expected = Dictionary(uniqueKeysWithValues: (0..<1500).map { ("p\($0)", "Old") })
            #expect(try await Self.people(in: server) == expected)

            // Of each kind 300: modified, renamed, deleted, new.
            var second: [Change] = (0..<300).map { .person($0, Value("p\($0)"), [.title: ["New"]]) }
            second += (300..<600).map { .person($0, Value("r\($0)"), [.title: ["Old"]]) }
            second += (600..<900).map { .delete($0) }
            second += (1500..<1800).map { .person($0, Value("n\($0)"), [.title: ["New"]]) }
            async let secondKill: Void = Self.killAndRestart(
                server, whenThere: "uid=r400,\(DirectoryImport.branchDN)")
            let changed = try await destination.synchronize(second)
            try await secondKill
            #expect(changed.imported + changed.unchanged == 1200)
            #expect(changed.refused == 0)
            for number in 0..<300 { expected["p\(number)"] = "New" }
            for number in 300..<600 {
                expected["p\(number)"] = nil
                expected["r\(number)"] = "Old"
            }
            for number in 600..<900 { expected["p\(number)"] = nil }
            for number in 1500..<1800 { expected["n\(number)"] = "New" }
            #expect(try await Self.people(in: server) == expected)
            #expect(try await destination.store.problems().isEmpty)
        }
    }

    /// What a test does as soon as something has failed for the first time.
    private static func afterFirstFailure(
        _ notices: AsyncStream<LDAPError>, _ body: () async throws -> Void
    ) async throws -> LDAPError? {
        for await error in notices {
            try await body()
            return error
        }
        return nil
    }

    private static func noticingRetry() -> (retry: Retry, notices: AsyncStream<LDAPError>) {
        let (notices, told) = AsyncStream<LDAPError>.makeStream()
        let retry = retry { notice in
            if case .failing(let error) = notice, let error = error as? LDAPError { told.yield(error) }
        }
        return (retry, notices)
    }

    @Test("a server that answers \"unavailable\" is asked again until it is not")
    func unavailable() async throws {
        try await withSlapd(.directory()) { server in
            let proxied = [
                "database ldap", "suffix dc=example", "uri \(await server.url)",
                "idassert-bind bindmethod=simple binddn=\(server.rootDN) credentials=\(server.rootPassword) mode=none",
                "idassert-authzFrom \"*\"",
            ]
            let configuration = SlapdConfiguration(
                suffix: "dc=front", hasSyncProvider: false, schemaFiles: [Repository.schema],
                globalLines: ["moduleload back_ldap"], databaseLines: proxied)
            try await withSlapd(configuration) { front in
                let (retry, notices) = Self.noticingRetry()
                let destination = try Import(try await front.access(of: DirectoryImport.own), retry)
                await server.stop()
                async let restarted = Self.afterFirstFailure(notices) { try await server.restart() }
                let report = try await destination.synchronize([.person(1, "alice"), .person(2, "bob")])
                #expect(try await restarted?.code == .unavailable)
                #expect(report.imported == 2)
                #expect(try await Self.people(in: server).keys.sorted() == ["alice", "bob"])
            }
        }
    }

    @Test("a server that answers \"busy\" is asked again until it has time")
    func busy() async throws {
        let base = "ou=interorg,ou=virtual,dc=example"
        // The overlay answers so for an import base that it shows in the real one's place.
        let overlay = [
            "overlay retcode", "retcode-parent \"ou=virtual,dc=example\"",
            "retcode-item \"ou=interorg\" 0x33 text=\"too much to do\"",
        ]
        let containers = ["ou=virtual,dc=example", base].map { "dn: \($0)\nobjectClass: organizationalUnit\n" }
        var configuration = SlapdConfiguration.directory(
            globalLines: ["moduleload retcode"], more: containers.joined(separator: "\n"))
        configuration.databaseLines = overlay
        try await withSlapd(configuration) { server in
            let (retry, notices) = Self.noticingRetry()
            let destination = try Import(
                try await server.access(of: DirectoryImport.own, importBase: base), retry)
            async let freed = Self.afterFirstFailure(notices) {
                await server.stop()
                let path = "\(server.folder)/slapd.conf"
                let text = try String(contentsOfFile: path, encoding: .utf8)
                try text.replacingOccurrences(of: overlay.joined(separator: "\n"), with: "")
                    .write(toFile: path, atomically: true, encoding: .utf8)
                try await server.restart()
            }
            let report = try await destination.synchronize([.person(1, "alice"), .person(2, "bob")])
            let error = try await freed
            #expect(error?.code == .busy)
            #expect(error?.diagnosticMessage == "too much to do")
            #expect(report.imported == 2)
            #expect(try await Self.people(in: server, below: "ou=branch,\(base)").keys.sorted() == ["alice", "bob"])
        }
    }
}
