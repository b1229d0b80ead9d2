import AddressBook
import Foundation
import IncrementalSync
import LDAPClient
import LDAPDirectory
import TestSupport
import Testing

@Suite("Awkward entries are read as they are")
struct AwkwardReadTests {
    /// The RDN as it is written, and the name that the entry has for the others. slapd takes no values that are written
    /// as `#` and hexadecimal BER.
    static let names: [(rdn: String, name: String)] = [
        (#"cn=Doe\, Jane"#, "Doe, Jane"), (#"cn=Doe\2C John"#, "Doe, John"), (#"cn=a\+b"#, "a+b"),
        (#"cn=\"quoted\""#, "\"quoted\""), (#"cn=back\\slash"#, #"back\slash"#), (#"cn=\<angle\>"#, "<angle>"),
        (#"cn=semi\;colon"#, "semi;colon"), (##"cn=\#sharp"##, "#sharp"), (#"cn=a\=b"#, "a=b"), ("cn=x=y", "x=y"),
        (#"cn=\ leading"#, " leading"), (#"cn=trailing\ "#, "trailing "), (#"cn=\  two"#, "  two"),
        (#"cn=in  side"#, "in  side"), (#"cn=\20hex space"#, " hex space"), (#"cn=Lu\C4\8Di\C4\87"#, "Lučić"),
        ("cn=Müller", "Müller"), ("cn=Mu\u{308}nch", "Mu\u{308}nch"), ("cn=山田太郎", "山田太郎"), ("cn=Ольга", "Ольга"),
        ("cn=שלום", "שלום"), ("cn=😀 emoji", "😀 emoji"), ("cn=ẞ sharp s", "ẞ sharp s"), ("cn=İstanbul", "İstanbul"),
        (#"cn=tab\09here"#, "tab\there"), (#"cn=line\0Afeed"#, "line\nfeed"), ("cn=a/b", "a/b"), ("cn=a*(b)", "a*(b)"),
        (#"cn=\23hex sharp"#, "#hex sharp"), ("CN=Upper Type", "Upper Type"),
        ("2.5.4.3=by number", "by number"), ("cn=multi+uid=multi.uid", "multi.uid"), ("uid=u.cn+cn=Zed", "u.cn"),
        ("cn=one+sn=Sur", "one+Sur"), (#"cn=pl\+us+sn=com\,ma"#, "pl+us+com,ma"),
        ("cn=\(String(repeating: "long", count: 60))", String(repeating: "long", count: 60)),
    ]

    @Test("whatever their names are written with, as people and as containers of people")
    func names() async throws {
        #expect(Self.names.count >= 35)
        try await withSlapd(.directory(.sessionLog)) { server in
            let export = try DirectoryExport(of: server)
            let people = "ou=people,dc=example"
            let changes = try await export.changes { connection in
                for (number, awkward) in Self.names.enumerated() {
                    let rdn = try #require(try LDAPDN(awkward.rdn).rdn)
                    try await connection.addNamed(rdn, awkward.rdn, in: people, number: number)
                    guard rdn.attributeValues.count == 1 else { continue }
                    let container = "ou=\(awkward.rdn.drop { $0 != "=" }.dropFirst())"
                    try await connection.add(
                        dn: "\(container),\(people)",
                        attributes: [
                            LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", awkward.name),
                        ])
                    try await connection.addPerson("in-\(number)", in: "\(container),\(people)")
                }
            }
            let entries = changes.compactMap(\.entry)
            #expect(entries.count == changes.count)
            for (number, awkward) in Self.names.enumerated() {
                let person = entries.first { $0[.title] == [Value("\(number)")] }
                #expect(person?.name == Value(awkward.name), "\(awkward.rdn)")
                guard let inside = entries.first(where: { $0.name == Value("in-\(number)") }) else { continue }
                let container = entries.first { $0.id.uuid == inside.parent }
                #expect(container?.name == Value(awkward.name), "\(awkward.rdn)")
            }
            // Names that are found again are no change, and neither is a look at everything.
            #expect(try await export.changes().isEmpty)
            var later = export
            later.now += 86_400
            #expect(try await later.changes().isEmpty)
            later.detection = .scan
            #expect(try await later.changes().isEmpty)
            #expect(try await later.changes().isEmpty)
        }
    }

    @Test("values with blanks, newlines, NUL or a MiB come byte for byte")
    func values() async throws {
        let values = ImportValueTests.awkwardValues.map(\.values).filter { $0.count == 1 && !$0[0].bytes.isEmpty }
        try await withSlapd(.directory(.sessionLog)) { server in
            let export = try DirectoryExport(of: server)
            var accepted: [Value: Value] = [:]
            let changes = try await export.changes { connection in
                for (number, values) in values.enumerated() {
                    let name = "v\(number)"
                    let value = LDAPAttribute("title", values.map(\.bytes))
                    // The syntax of a title is UTF-8.
                    guard (try? await connection.addPerson(name, value)) != nil else { continue }
                    accepted[Value(name)] = values[0]
                }
            }
            #expect(accepted.count == values.count - 1)
            let found = changes.compactMap(\.entry).map { ($0.name, $0[.title]) }
            #expect(found.count == accepted.count)
            for (name, title) in found { #expect(title == [accepted[name]], "\(name)") }
        }
    }

    @Test("attributes with options are other attributes than those without")
    func attributeOptions() async throws {
        try await withSlapd(.directory(.sessionLog)) { server in
            let export = try DirectoryExport(of: server)
            let certificate = try Data(contentsOf: URL(filePath: "/etc/ssl/certs/ca-certificates.crt"))
            let first =
                String(decoding: certificate, as: UTF8.self)
                .components(separatedBy: "-----").first { $0.contains("\nMII") } ?? ""
            let der = try #require(Data(base64Encoded: first.replacingOccurrences(of: "\n", with: "")))
            let changes = try await export.changes { connection in
                try await connection.addPerson(
                    "alice", LDAPAttribute("title", "Head"), LDAPAttribute("title;lang-de", "Leiterin"),
                    LDAPAttribute("l;lang-de", "München"), LDAPAttribute("userCertificate;binary", [Array(der)]))
            }
            #expect(changes.first?.entry?[.title] == ["Head"])
            #expect(changes.first?.entry?[.l] == [])
            let later = try await export.changes { try await $0.set("title;lang-de", of: "alice", to: "Chefin") }
            #expect(later.isEmpty)
        }
    }
}

extension LDAPConnection {
    /// Adds a person with this RDN, and the number as title.
    fileprivate func addNamed(_ rdn: LDAPDN.RDN, _ text: String, in container: String, number: Int) async throws {
        var values: [String: [[UInt8]]] = [:]
        for part in rdn.attributeValues {
            let type = part.type.lowercased() == "2.5.4.3" ? "cn" : part.type.lowercased()
            values[type, default: []].append(part.value)
        }
        values["sn", default: []].append(Array("Person".utf8))
        if values["cn"] == nil { values["cn"] = [Array("Person".utf8)] }
        try await add(
            dn: "\(text),\(container)",
            attributes: [LDAPAttribute("objectClass", "inetOrgPerson"), LDAPAttribute("title", "\(number)")]
                + values.map { LDAPAttribute($0.key, $0.value) })
    }
}
