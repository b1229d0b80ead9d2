import Foundation
import TestSupport
import Testing

@testable import LDAPClient
@testable import LDAPDirectory

/// What a server sends is refused or understood.
@Suite("Fuzzed answers of a server") struct ServerAnswerFuzzTests {
    private static let uuid = [UInt8](repeating: 7, count: 16)
    private static let cookie = Array("rid=001,sid=002,csn=20261121194227.123456Z#000000#002#000000".utf8)

    private static func node(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, UInt8(content.count)] + content }

    @Test("do no harm")
    func answers() throws {
        let state = Self.node(0x30, Self.node(0x0A, [1]) + Self.node(0x04, Self.uuid) + Self.node(0x04, Self.cookie))
        let done = Self.node(0x30, Self.node(0x04, Self.cookie) + Self.node(0x01, [0xFF]))
        let idSet = Self.node(
            0xA3, Self.node(0x04, Self.cookie) + Self.node(0x01, [0xFF]) + Self.node(0x31, Self.node(0x04, Self.uuid)))
        let definition = Array(
            "( 2.5.6.6 NAME ( 'person' 'p' ) DESC 'it''s' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( x ) )".utf8)
        let dn = Array("cn=a\\,b+sn=\\C3\\BC,ou=\"x\",dc=example".utf8)
        let samples = [state, done, idSet, Self.cookie, definition, dn]
        let words = [
            "0\u{0}", "\u{4}\u{10}", ",csn=", "sid=", "rid=", ";", "#", "( ", " )", "'", "$", "\\", "\\ff", "+", "=",
        ]
        try Fuzzing("server", samples: samples, dictionary: words).run(share: 10) { input in
            read(input)
        }
    }

    private func read(_ input: [UInt8]) {
        let control = { (oid: String) in LDAPControl(oid: oid, value: input) }
        let entry = LDAPEntry(dn: "cn=x", attributes: [], controls: [control(ContentSyncOID.state)])
        _ = try? ContentSyncState(entry)
        _ = try? ContentSyncDone(controls: [control(ContentSyncOID.done)])
        _ = try? ContentSyncInfo(.intermediate(oid: ContentSyncOID.info, value: input, controls: []))
        let first = ContentSyncCookie(input)
        _ = first.merged(with: ContentSyncCookie(Self.cookie))
        _ = ContentSyncCookie(Self.cookie).merged(with: first)
        let text = String(decoding: input, as: UTF8.self)
        _ = SchemaDefinition(text)
        _ = (try? LDAPDN(text)).flatMap { try? $0.string() }
    }
}
