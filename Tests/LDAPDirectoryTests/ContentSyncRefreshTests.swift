import Foundation
import LDAPClient
import Testing

@testable import LDAPDirectory

@Suite("What is concluded from a content synchronization")
struct ContentSyncRefreshTests {
    private static let first = "20261121134512.000001Z#000000#001#000000"
    private static let second = "20261121134513.000001Z#000000#001#000000"
    private static let other = "20261121134600.000001Z#000000#002#000000"

    private func cookie(_ text: String) -> ContentSyncCookie { ContentSyncCookie(Array(text.utf8)) }

    private func position(_ text: String) -> DirectoryCursor.Position { .contentSync(cookie: Data(text.utf8)) }

    private func uuid(_ number: UInt8) -> UUID { UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number)) }

    /// A Sync Info message (RFC 4533, section 2.5): the CHOICE's tag and its content.
    private func info(_ tag: UInt8, _ content: [UInt8]) -> LDAPSearchEvent {
        .intermediate(oid: ContentSyncOID.info, value: [tag, UInt8(content.count)] + content, controls: [])
    }

    private func octets(_ bytes: [UInt8]) -> [UInt8] { [0x04, UInt8(bytes.count)] + bytes }

    private func idSet(_ numbers: [UInt8], deleted: Bool, cookie: String? = nil) -> LDAPSearchEvent {
        let members = numbers.flatMap { number in octets(withUnsafeBytes(of: uuid(number).uuid) { Array($0) }) }
        return info(
            0xA3,
            (cookie.map { octets(Array($0.utf8)) } ?? []) + (deleted ? [0x01, 0x01, 0xFF] : [])
                + [0x31, UInt8(members.count)] + members)
    }

    private func done(_ cookie: String?, refreshDeletes: Bool) throws -> ContentSyncDone {
        let content = (cookie.map { octets(Array($0.utf8)) } ?? []) + (refreshDeletes ? [0x01, 0x01, 0xFF] : [])
        let control = LDAPControl(oid: ContentSyncOID.done, value: [0x30, UInt8(content.count)] + content)
        return try #require(try ContentSyncDone(controls: [control]))
    }

    @Test("a set of IDs names those that are gone, or those that are there")
    func idSets() throws {
        var refresh = ContentSyncRefresh(after: cookie("csn=\(Self.first)"))
        #expect(try refresh.events(idSet([1, 2], deleted: true)) == [.deleted(uuid(1)), .deleted(uuid(2))])
        #expect(try refresh.events(idSet([3], deleted: false)) == [.listed(ListedEntry(uuid: uuid(3)))])
        // Deletions were told one by one: silence means nothing.
        #expect(try refresh.end(done("csn=\(Self.second)", refreshDeletes: true)).sawAll == false)
    }

    @Test("what is not mentioned is gone after a present phase, also if a delete phase follows it")
    func presentPhase() throws {
        var only = ContentSyncRefresh(after: cookie("csn=\(Self.first)"))
        _ = try only.events(idSet([1], deleted: false))
        #expect(try only.end(done("csn=\(Self.second)", refreshDeletes: false)).sawAll)

        var both = ContentSyncRefresh(after: cookie("csn=\(Self.first)"))
        _ = try both.events(idSet([1], deleted: false))
        _ = try both.events(info(0xA2, [0x01, 0x01, 0x00]))
        _ = try both.events(idSet([2], deleted: true))
        #expect(try both.end(done("csn=\(Self.second)", refreshDeletes: true)).sawAll)
    }

    @Test("what is not mentioned is gone when everything was asked for")
    func everything() throws {
        var refresh = ContentSyncRefresh(after: nil)
        let end = try refresh.end(done("rid=000,csn=\(Self.first)", refreshDeletes: true))
        #expect(end == FeedEnd(position: position("rid=000,csn=\(Self.first)"), sawAll: true))
    }

    @Test("cookies in the middle count at the end, each for the servers that it names")
    func cookiesInTheMiddle() throws {
        var refresh = ContentSyncRefresh(after: cookie("rid=000,sid=001,csn=\(Self.first);\(Self.other)"))
        #expect(try refresh.events(info(0x80, Array("rid=000,csn=\(Self.first)".utf8))) == [])
        _ = try refresh.events(idSet([1], deleted: true, cookie: "rid=000,delcsn=\(Self.second)"))
        _ = try refresh.events(info(0xA1, octets(Array("rid=000,csn=\(Self.second)".utf8)) + [0x01, 0x01, 0x00]))
        let end = try refresh.end(done(nil, refreshDeletes: true))
        #expect(end.position == position("rid=000,sid=001,csn=\(Self.second);\(Self.other)"))
    }

    @Test("nothing new leaves the position where it is, and a database without a change has none")
    func nothingNew() throws {
        var refresh = ContentSyncRefresh(after: cookie("rid=000,csn=\(Self.first)"))
        let end = try refresh.end(done(nil, refreshDeletes: true))
        #expect(end == FeedEnd(position: position("rid=000,csn=\(Self.first)"), sawAll: false))
        var empty = ContentSyncRefresh(after: nil)
        #expect(try empty.end(done("", refreshDeletes: true)).position == nil)
    }

    @Test("slapd's cookie keeps the newest change of each server; another server's cookie is opaque")
    func cookies() {
        let old = cookie("rid=000,sid=001,csn=\(Self.second)")
        let persisted = cookie("rid=000,sid=002,csn=\(Self.other)")
        let merged = old.merged(with: persisted)
        #expect(String(decoding: merged.bytes, as: UTF8.self) == "rid=000,sid=002,csn=\(Self.second);\(Self.other)")
        #expect(merged.merged(with: cookie("csn=\(Self.first)")).stamps[1]?.text == Self.second)
        #expect(merged.serverID == 2)
        let foreign = cookie("ldap.example:389#cn=reader:(objectClass=*)#17")
        #expect(old.merged(with: foreign) == foreign)
        #expect(foreign.stamps.isEmpty && !foreign.isEmpty)
        #expect(cookie("rid=000,csn=yesterday").bytes == Array("rid=000,csn=yesterday".utf8))
        #expect(cookie("rid=000").isEmpty)
    }
}
