import LDAPClient
import TestSupport
import Testing

@Suite("Streaming searches")
struct LDAPSearchTests {
    static let count = 20_000

    @Test("20,000 entries arrive in order and once, and a slow consumer holds the server back")
    func slowConsumer() async throws {
        let configuration = SlapdConfiguration(initialLDIF: ldif(people: Self.count))
        try await withSlapd(configuration) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let search = connection.search(base: server.peopleDN, scope: .oneLevel)
            var events = search.makeAsyncIterator()
            var uids: Set<String> = []
            let first = try #require(try await events.next()?.entry)
            uids.insert(try #require(first.text("uid")))
            // Nothing is taken while another connection does something that takes its time. A client that read on
            // would have all of the 10 MB by then, and the result as well.
            let other = try await server.connect()
            for _ in 0..<3 { #expect(try await other.entries(base: server.suffix).count == Self.count + 2) }
            other.close()
            #expect(search.result == nil)
            while let event = try await events.next() {
                uids.insert(try #require(event.entry?.text("uid")))
            }
            #expect(uids.count == Self.count)
            #expect(search.result?.code == .success)
            #expect(try await events.next() == nil)
        }
    }

    @Test("operations on the connection of an unfinished search are answered")
    func operationsBesideSearch() async throws {
        let configuration = SlapdConfiguration(initialLDIF: ldif(people: 3_000))
        try await withSlapd(configuration) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            var changed = 0
            for try await event in connection.search(base: server.peopleDN, scope: .oneLevel, attributes: ["uid"]) {
                let entry = try #require(event.entry)
                guard changed < 20 else { continue }
                try await connection.modify(dn: entry.dn, [LDAPModification(.replace, "title", "seen")])
                changed += 1
            }
            #expect(try await connection.entries(base: server.suffix, filter: "(title=seen)").count == 20)
        }
    }

    @Test("a slow consumer with TLS gets everything, too")
    func slowConsumerTLS() async throws {
        let configuration = SlapdConfiguration(tls: .init(), initialLDIF: ldif(people: 5_000))
        try await withSlapd(configuration) { server in
            var options = await server.options(url: server.ldapsURL)
            options.caFile = server.caFile
            let connection = try await LDAPConnection.connect(options)
            defer { connection.close() }
            let search = connection.search(base: server.peopleDN, scope: .oneLevel)
            var count = 0
            for try await _ in search {
                count += 1
                if count.isMultiple(of: 500) { _ = try await server.connect().rootDSE() }
            }
            #expect(count == 5_000)
        }
    }

    @Test("cancelling the task that reads abandons the search at the server")
    func cancelledSearch() async throws {
        try await withSlapd(SlapdConfiguration(logLevel: "stats")) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let request = try ContentSyncRequest(mode: .refreshAndPersist).control()
            let task = Task {
                for try await _ in connection.search(base: server.suffix, controls: [request], isPersistent: true) {}
            }
            try await waitUntil("the search has begun") { server.log.contains("SRCH base=") }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await waitUntil("the server was told") { server.log.contains("ABANDON msg=") }
            #expect(try await connection.entry(dn: server.suffix) != nil)
        }
    }

    @Test("a search that nobody reads any more is abandoned")
    func droppedSearch() async throws {
        try await withSlapd(SlapdConfiguration(logLevel: "stats")) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            do {
                let request = try ContentSyncRequest(mode: .refreshAndPersist).control()
                let search = connection.search(base: server.suffix, controls: [request], isPersistent: true)
                for try await _ in search { break }
            }
            try await waitUntil("the server was told") { server.log.contains("ABANDON msg=") }
        }
    }

    @Test("a server that dies in the middle of a search is a transient error, after what had arrived")
    func connectionLost() async throws {
        let configuration = SlapdConfiguration(initialLDIF: ldif(people: Self.count))
        try await withSlapd(configuration) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let search = connection.search(base: server.peopleDN)
            var count = 0
            let error = await ldapError {
                for try await _ in search {
                    count += 1
                    if count == 10 { await server.kill9() }
                }
            }
            #expect(error?.code == .serverDown && error?.isTransient == true)
            #expect(error?.description.contains(server.peopleDN) == true)
            #expect(count >= 10 && count < Self.count)
            #expect(search.result == nil)
            try await waitUntil("the loss is known") { !connection.isOpen }
            try await server.restart()
            let again = try await server.connect()
            #expect(try await again.entry(dn: server.suffix) != nil)
            again.close()
        }
    }

    @Test("an idle connection notices that the server has gone")
    func idleConnectionLost() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            await server.stop()
            try await waitUntil("the loss is known") { !connection.isOpen }
        }
    }

    @Test("pages are read one after the other")
    func pagedResults() async throws {
        try await withSlapd(SlapdConfiguration(initialLDIF: ldif(people: 25))) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            var page = PagedResults(size: 10)
            var counts: [Int] = []
            repeat {
                let search = connection.search(base: server.peopleDN, scope: .oneLevel, controls: [try page.control()])
                counts.append(try await search.reduce(0) { count, _ in count + 1 })
                page.cookie = try PagedResults(try #require(search.result))?.cookie ?? []
            } while !page.cookie.isEmpty
            #expect(counts == [10, 10, 5])
        }
    }
}
