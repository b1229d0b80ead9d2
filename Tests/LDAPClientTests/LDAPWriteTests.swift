import LDAPClient
import TestSupport
import Testing

@Suite("Operations sent together to a real slapd")
struct LDAPWriteTests {
    private func add(_ name: String, on server: SlapdServer, _ more: LDAPAttribute...) -> LDAPWrite {
        .add(dn: server.personDN(name), attributes: person(name) + more)
    }

    @Test("each have their own outcome, in their order, and more may wait than may be in flight")
    func outcomes() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            var writes = (0..<300).map { add("p\($0)", on: server) }
            writes[100] = add("bad", on: server, LDAPAttribute("telephoneNumber", "#1"))
            writes[200] = .delete(dn: server.personDN("nobody"))
            let outcomes = try await connection.perform(writes)
            #expect(outcomes.count == 300)
            for (index, outcome) in outcomes.enumerated() {
                switch outcome {
                case .success: #expect(index != 100 && index != 200)
                case .failure(let error):
                    #expect(error.code == (index == 100 ? .invalidAttributeSyntax : .noSuchObject))
                }
            }
            #expect(
                try await connection.entries(base: server.suffix, filter: "(uid=*)", attributes: ["1.1"]).count == 298)
            #expect(try await connection.perform([]).isEmpty)
        }
    }

    @Test("fail each for itself when the connection has been closed")
    func closed() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            connection.close()
            let outcomes = try await connection.perform((0..<3).map { add("p\($0)", on: server) })
            for outcome in outcomes {
                #expect(throws: LDAPError.self) { try outcome.get() }
            }
        }
    }

    @Test("become visible together at the end of a transaction, or not at all")
    func transaction() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let count = {
                try await connection.entries(base: server.suffix, filter: "(uid=*)", attributes: ["1.1"]).count
            }
            for commit in [false, true] {
                let transaction = try await connection.startTransaction()
                let taken = try await connection.perform((0..<500).map { add("p\($0)", on: server) }, in: transaction)
                #expect(taken.allSatisfy { (try? $0.get()) != nil })
                #expect(try await count() == 0)
                // See GrowingTransaction: slapd may still be answering.
                try await Task.sleep(for: .milliseconds(20))
                try await connection.end(transaction, commit: commit)
                #expect(try await count() == (commit ? 500 : 0))
            }
        }
    }

    @Test("are none of them carried out when the transaction has one that is refused")
    func refusedTransaction() async throws {
        try await withSlapd { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let transaction = try await connection.startTransaction()
            let writes = (0..<500).map { add("p\($0 % 499)", on: server) }
            _ = try await connection.perform(writes, in: transaction)
            try await Task.sleep(for: .milliseconds(20))
            let error = await ldapError { try await connection.end(transaction, commit: true) }
            #expect(error?.code == .entryAlreadyExists)
            #expect(try await connection.entries(base: server.suffix, filter: "(uid=*)", attributes: ["1.1"]).isEmpty)
        }
    }
}
