import Foundation
import LDAPClient
import Testing

@Suite("The codec of content synchronization (RFC 4533)")
struct ContentSyncCodecTests {
    private let uuid = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
    private let uuidBytes: [UInt8] = Array(1...16)

    private func info(_ bytes: [UInt8]) throws -> ContentSyncInfo? {
        try ContentSyncInfo(.intermediate(oid: ContentSyncOID.info, value: bytes, controls: []))
    }

    @Test("requests are written as the RFC has them")
    func requests() throws {
        let plain = try ContentSyncRequest(mode: .refreshOnly).control()
        #expect(plain.oid == "1.3.6.1.4.1.4203.1.9.1.1" && plain.isCritical)
        #expect(plain.value == [0x30, 3, 0x0A, 1, 1])
        let full = ContentSyncRequest(mode: .refreshAndPersist, cookie: [0x63], reloadHint: true)
        #expect(try full.control(critical: false).value == [0x30, 9, 0x0A, 1, 3, 4, 1, 0x63, 1, 1, 0xFF])
    }

    @Test("the four kinds of Sync Info are read, with defaults left out or written out")
    func infos() throws {
        #expect(try info([0x80, 2, 0x61, 0x62]) == .newCookie([0x61, 0x62]))
        #expect(try info([0xA1, 0]) == .refreshDelete(cookie: nil, refreshDone: true))
        #expect(try info([0xA1, 3, 1, 1, 0x01]) == .refreshDelete(cookie: nil, refreshDone: true))
        #expect(try info([0xA2, 6, 4, 1, 0x63, 1, 1, 0]) == .refreshPresent(cookie: [0x63], refreshDone: false))
        let set: [UInt8] = [0x31, 18, 4, 16] + uuidBytes
        #expect(
            try info([0xA3, 20] + set) == .idSet(cookie: nil, refreshDeletes: false, entryUUIDs: [uuid]))
        #expect(
            try info([0xA3, 23, 1, 1, 0xFF] + set) == .idSet(cookie: nil, refreshDeletes: true, entryUUIDs: [uuid]))
        #expect(try info([0xA3, 5, 1, 1, 0, 0x31, 0]) == .idSet(cookie: nil, refreshDeletes: false, entryUUIDs: []))
        #expect(try ContentSyncInfo(.reference([])) == nil)
    }

    @Test(
        "bad messages are errors, not crashes",
        arguments: [
            [], [0x30], [0x80], [0xA3, 0], [0xA4, 0], [0x30, 0], [0xA3, 5, 0x31, 3, 4, 1, 9], [0x80, 1, 1, 0, 0],
            [0xA1, 0x80], [0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func badInfos(bytes: [UInt8]) throws {
        #expect(throws: LDAPError.self) { try info(bytes) }
    }

    @Test("states and ends are read")
    func statesAndDone() throws {
        let value: [UInt8] = [0x30, 24, 0x0A, 1, 2, 4, 16] + uuidBytes + [4, 1, 0x63]
        let entry = LDAPEntry(
            dn: "cn=x", attributes: [], controls: [LDAPControl(oid: ContentSyncOID.state, value: value)])
        let state = try #require(try ContentSyncState(entry))
        #expect(state.state == .modify && state.entryUUID == uuid && state.cookie == [0x63])
        #expect(try ContentSyncState(LDAPEntry(dn: "", attributes: [])) == nil)
        let done = try ContentSyncDone(controls: [
            LDAPControl(oid: ContentSyncOID.done, value: [0x30, 6, 4, 1, 0x63, 1, 1, 0xFF])
        ])
        #expect(done?.cookie == [0x63] && done?.refreshDeletes == true)
        let bare = try ContentSyncDone(controls: [LDAPControl(oid: ContentSyncOID.done, value: [0x30, 0])])
        #expect(bare?.cookie == nil && bare?.refreshDeletes == false)
    }
}
