import Foundation
import LDAPClient
import Testing

@testable import LDAPDirectory

@Suite("What a reading does")
struct ReadingPlanTests {
    private static let now = Date(timeIntervalSinceReferenceDate: 800_000_000)
    private static let base = UUID()
    private static let own = "20261121134512.000001Z#000000#001#000000"
    private static let foreign = "20261121134512.000001Z#000000#002#000000"
    private static let earlier = "20261120000000.000001Z#000000#00"
    private static let cookie = DirectoryCursor.Position.contentSync(
        cookie: Data("rid=000,sid=001,csn=\(own);\(foreign)".utf8))

    private func server(_ stamps: String..., base: UUID? = ReadingPlanTests.base) -> ServerState {
        server(stamps, base: base)
    }

    private func server(_ stamps: [String], base: UUID? = ReadingPlanTests.base) -> ServerState {
        let stamps = stamps.compactMap { ChangeStamp($0) }
        return ServerState(
            baseUUID: base, stamps: Dictionary(uniqueKeysWithValues: stamps.map { ($0.serverID, $0) }))
    }

    private func plan(
        _ server: ServerState, search: [String] = ["a"], method: ChangeMethod = .contentSync, audited: Date? = now,
        notBefore: Date? = nil, now: Date = now
    ) throws -> ReadingPlan {
        let known = DirectoryCursor(
            search: ["a"], position: Self.cookie, baseUUID: Self.base, auditedAt: audited, container: 0)
        return try ReadingPlan(
            after: known, search: search, server: server, method: method,
            audit: AuditSchedule(every: .seconds(86_400), notBefore: notBefore, now: { now }), base: "ou=people")
    }

    @Test("is to go on from where the last one ended")
    func goesOn() throws {
        let passes = [ReadingPlan.Pass.changes(since: Self.cookie)]
        #expect(try plan(server(Self.own, Self.foreign)).passes == passes)
        #expect(try plan(server()).passes == passes, "a server that does not show its stamps")
        #expect(try plan(server(base: nil)).isReloaded == false, "a base that does not show its entryUUID")
    }

    @Test("is to read everything first, and with another search, by another method, or of a directory loaded anew")
    func everything() throws {
        let first = try ReadingPlan(
            after: nil, search: ["a"], server: server(), method: .scan,
            audit: AuditSchedule(every: .seconds(1), now: { Self.now }), base: "")
        #expect(first == (try plan(server(), search: ["b"], method: .scan)))
        #expect(first.passes == [.everything])
        #expect(try plan(server(), method: .scan).passes == [.everything])
        let reloaded = try plan(server(base: UUID()), search: ["b"])
        #expect(reloaded.isReloaded && reloaded.passes == [.everything])
    }

    @Test("is to read everything if the server has lost changes of its own")
    func restored() throws {
        #expect(try plan(server(Self.earlier + "1#000000", Self.foreign)).passes == [.everything])
        #expect(try plan(server(Self.foreign)).passes == [.everything])
    }

    @Test(
        "is nothing while the server is behind another one, also if it was restored and has lost changes of its own",
        arguments: [
            [own, earlier + "2#000000"], [own], [earlier + "1#000000", earlier + "2#000000"], [earlier + "1#000000"],
        ])
    func behind(stamps: [String]) throws {
        let error = #expect(throws: LDAPError.self) { try plan(server(stamps), audited: nil) }
        #expect(error?.isTransient == true)
        #expect(error?.description.contains("server ID 2") == true)
    }

    @Test("is to read everything if slapd refuses a cookie of its own alone, unless its database is being filled")
    func refused() throws {
        func refusal(_ message: String) -> LDAPError {
            LDAPError(code: .unwillingToPerform, operation: "search", subject: "", diagnosticMessage: message)
        }
        let newer = refusal("consumer state is newer than provider!")
        let own = ContentSyncCookie(Array("rid=000,sid=001,csn=\(Self.own)".utf8))
        _ = try ReadingPlan.refused(own, by: newer, base: "ou=people")
        let both = ContentSyncCookie(Array("rid=000,sid=001,csn=\(Self.own);\(Self.foreign)".utf8))
        let filled = refusal("consumer has state info but provider doesn't!")
        for (cookie, refusal) in [(both, newer), (own, filled)] {
            let error = #expect(throws: LDAPError.self) {
                try ReadingPlan.refused(cookie, by: refusal, base: "ou=people")
            }
            #expect(error?.isTransient == true)
            #expect(error?.description.contains(refusal.diagnosticMessage) == true)
        }
    }

    @Test("is to audit as well, after the changes, when the last audit is too old")
    func audit() throws {
        let both = [ReadingPlan.Pass.changes(since: Self.cookie), .everything]
        let current = server(Self.own, Self.foreign)
        #expect(try plan(current, audited: nil).passes == both)
        #expect(try plan(current, now: Self.now + 86_399).passes.count == 1)
        #expect(try plan(current, now: Self.now + 86_400).passes == both)
        #expect(try plan(current, notBefore: Self.now + 1).passes == both, "one before the service was started")
        #expect(try plan(current, now: Self.now - 60).passes == both, "one in the future")
    }
}
