import Foundation
import LDAPClient
import TestSupport
import Testing

/// All that one content synchronization told.
struct Synchronized {
    var entries: [(state: ContentSyncState, entry: LDAPEntry)] = []
    var infos: [ContentSyncInfo] = []
    var done: ContentSyncDone?

    func dns(_ state: ContentSyncState.State) -> Set<String> {
        Set(entries.filter { $0.state.state == state }.map(\.entry.dn))
    }

    var text: String {
        func bytes(_ cookie: [UInt8]?) -> String { cookie.map { String(decoding: $0, as: UTF8.self) } ?? "none" }
        let states = entries.map { "\($0.state.state) \($0.entry.dn) (\($0.entry.attributes.count) attributes)" }
        let info = infos.map { info in
            switch info {
            case .newCookie(let cookie): "newCookie \(bytes(cookie))"
            case .refreshDelete(let cookie, let done): "refreshDelete \(bytes(cookie)) refreshDone=\(done)"
            case .refreshPresent(let cookie, let done): "refreshPresent \(bytes(cookie)) refreshDone=\(done)"
            case .idSet(let cookie, let deletes, let ids):
                "idSet \(bytes(cookie)) refreshDeletes=\(deletes) ids=\(ids.count)"
            }
        }
        return (states + info + ["done cookie=\(bytes(done?.cookie)) refreshDeletes=\(done?.refreshDeletes ?? false)"])
            .joined(separator: "\n  ")
    }
}

extension LDAPConnection {
    func synchronize(_ base: String, cookie: [UInt8]? = nil, reloadHint: Bool = false) async throws -> Synchronized {
        let request = ContentSyncRequest(mode: .refreshOnly, cookie: cookie, reloadHint: reloadHint)
        let search = search(base: base, attributes: ["*", "+"], controls: [try request.control()])
        var told = Synchronized()
        for try await event in search {
            if let entry = event.entry {
                told.entries.append((try #require(try ContentSyncState(entry)), entry))
            } else if let info = try ContentSyncInfo(event) {
                told.infos.append(info)
            }
        }
        told.done = try ContentSyncDone(try #require(search.result))
        if ProcessInfo.processInfo.environment["SHOW_CONTENT_SYNC"] != nil { print("  \(told.text)\n") }
        return told
    }
}

@Suite("Content synchronization with slapd's syncprov")
struct ContentSyncTests {
    @Test("the first refresh tells everything, the second nothing", arguments: [0, 100])
    func nothingNew(sessionLogSize: Int) async throws {
        let configuration = SlapdConfiguration(sessionLogSize: sessionLogSize)
        try await withSlapd(configuration) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            try await connection.add(dn: server.personDN("a"), attributes: person("a"))
            let first = try await connection.synchronize(server.suffix)
            #expect(first.dns(.add) == [server.suffix, server.peopleDN, server.personDN("a")])
            for (state, entry) in first.entries {
                #expect(state.entryUUID.uuidString.lowercased() == entry.text("entryUUID"))
            }
            let cookie = try #require(first.done?.cookie)
            let second = try await connection.synchronize(server.suffix, cookie: cookie)
            #expect(second.entries.isEmpty && second.infos.isEmpty)
            // slapd claims no present phase here; taken for one, everything would be deleted.
            #expect(second.done?.refreshDeletes == true)
        }
    }

    @Test("with a session log changes, renames and deletions are told one by one")
    func sessionLog() async throws {
        try await withSlapd(SlapdConfiguration(sessionLogSize: 100)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let (cookie, deleted) = try await change(connection, server)
            let told = try await connection.synchronize(server.suffix, cookie: cookie)
            #expect(told.dns(.add).union(told.dns(.modify)) == changedDNs(server))
            #expect(told.done?.refreshDeletes == true)
            let deletedIDs = told.infos.flatMap { info -> [UUID] in
                if case .idSet(_, true, let ids) = info { ids } else { [] }
            }
            let deletedEntries = told.entries.filter { $0.state.state == .delete }.map(\.state.entryUUID)
            #expect(Set(deletedIDs + deletedEntries) == [deleted])
        }
    }

    @Test("without a session log what is present is told, and the rest is gone")
    func presentPhase() async throws {
        try await withSlapd(SlapdConfiguration(sessionLogSize: 0)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let (cookie, deleted) = try await change(connection, server)
            let told = try await connection.synchronize(server.suffix, cookie: cookie)
            #expect(told.dns(.add).union(told.dns(.modify)) == changedDNs(server))
            #expect(told.done?.refreshDeletes == false)
            let present = told.infos.flatMap { info -> [UUID] in
                if case .idSet(_, false, let ids) = info { ids } else { [] }
            }
            let seen = Set(present + told.entries.filter { $0.state.state != .delete }.map(\.state.entryUUID))
            let all = try await connection.entries(base: server.suffix, attributes: ["entryUUID"])
            #expect(seen == Set(all.compactMap { $0.text("entryUUID").flatMap(UUID.init(uuidString:)) }))
            #expect(!seen.contains(deleted))
        }
    }

    @Test("a cookie from the server's future, as after a restore, is refused")
    func cookieFromTheFuture() async throws {
        try await withSlapd(SlapdConfiguration(sessionLogSize: 10)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            try await connection.add(dn: server.personDN("a"), attributes: person("a"))
            let cookie = Array("rid=000,csn=20991231000000.000000Z#000000#000#000000".utf8)
            let error = await ldapError { _ = try await connection.synchronize(server.suffix, cookie: cookie) }
            #expect(error?.code == .unwillingToPerform)
        }
    }

    @Test("text that is no cookie is taken for none: everything is told")
    func noCookie() async throws {
        try await withSlapd(SlapdConfiguration(sessionLogSize: 10)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let told = try await connection.synchronize(server.suffix, cookie: Array("no cookie".utf8))
            #expect(told.dns(.add) == [server.suffix, server.peopleDN])
        }
    }

    @Test("a persistent synchronization tells changes as they happen")
    func persist() async throws {
        try await withSlapd(SlapdConfiguration(sessionLogSize: 100)) { server in
            let connection = try await server.connect()
            defer { connection.close() }
            let watcher = try await server.connect()
            let control = try ContentSyncRequest(mode: .refreshAndPersist).control()
            let search = watcher.search(base: server.suffix, controls: [control], isPersistent: true)
            var events = search.makeAsyncIterator()
            var isRefreshed = false
            while !isRefreshed, let event = try await events.next() {
                switch try ContentSyncInfo(event) {
                case .refreshPresent(_, true), .refreshDelete(_, true): isRefreshed = true
                default: continue
                }
            }
            #expect(isRefreshed)
            let dn = server.personDN("live")
            try await connection.add(dn: dn, attributes: person("live"))
            let added = try #require(try await events.next()?.entry)
            #expect(added.dn == dn)
            #expect(try ContentSyncState(added)?.state == .add)
            try await connection.modify(dn: dn, [LDAPModification(.replace, "title", "t")])
            #expect(try ContentSyncState(try #require(try await events.next()?.entry))?.state == .modify)
            try await connection.delete(dn: dn)
            let removed = try #require(try await events.next()?.entry)
            let state = try #require(try ContentSyncState(removed))
            #expect(state.state == .delete && state.cookie != nil)
            watcher.close()
        }
    }

    /// Adds, modifies, renames and deletes after a first refresh. Returns its cookie and what was deleted.
    private func change(_ connection: LDAPConnection, _ server: SlapdServer) async throws -> ([UInt8], UUID) {
        for name in ["stays", "changes", "moves", "goes"] {
            try await connection.add(dn: server.personDN(name), attributes: person(name))
        }
        let first = try await connection.synchronize(server.suffix)
        let cookie = try #require(first.done?.cookie)
        let going = try #require(first.entries.first { $0.entry.dn == server.personDN("goes") })
        try await connection.add(dn: server.personDN("new"), attributes: person("new"))
        try await connection.modify(dn: server.personDN("changes"), [LDAPModification(.replace, "title", "t")])
        try await connection.rename(dn: server.personDN("moves"), newRDN: "uid=moved", deleteOldRDN: true)
        try await connection.delete(dn: server.personDN("goes"))
        return (cookie, going.state.entryUUID)
    }

    private func changedDNs(_ server: SlapdServer) -> Set<String> {
        [server.personDN("new"), server.personDN("changes"), server.personDN("moved")]
    }
}
