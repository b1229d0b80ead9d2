import DirectoryMapping
import AddressBook
import Foundation
import Testing

@testable import InterOrgServices

@Suite("A correct configuration")
struct ConfigurationLoadTests {
    @Test("a requestor's file gives every value that it has")
    func requestor() throws {
        try ConfigurationFolder.with { folder in
            let configuration = try folder.load(ConfigurationExample.requestor)
            #expect(configuration.organization == "branch-a")
            #expect(configuration.organizationID == UUID(uuidString: "2d1c9a52-5f0e-4c5e-9d7a-0a6a5f4f7b11"))
            #expect(configuration.stateFolder == folder.path + "/state")
            let directory = configuration.directory
            #expect(directory.url == "ldap://ldap.a.example")
            #expect(directory.transportSecurity == .startTLS)
            #expect(directory.caFile == folder.path + "/ca.pem")
            let password = Secret(ConfigurationFolder.directoryPassword)
            #expect(directory.bind == .simple(dn: "cn=interorg,dc=a,dc=example", password: password))
            #expect(directory.exports.map(\.base) == ["ou=people,dc=a,dc=example", "ou=lists,dc=a,dc=example"])
            #expect(directory.exports.map(\.filter) == ["(mail=*)", nil])
            #expect(directory.imports?.base == "ou=interorg,dc=a,dc=example")
            #expect(configuration.exchange.smtp.url == "smtp://mail.a.example:587")
            #expect(configuration.exchange.smtp.transportSecurity == .startTLS)
            #expect(configuration.exchange.smtp.credentials?.user == "interorg")
            #expect(configuration.exchange.smtp.credentials?.password.revealed == ConfigurationFolder.mailPassword)
            #expect(
                configuration.exchange.inbox
                    == .listener(
                        .init(delivery: .lmtp, host: "127.0.0.1", port: 2424, tls: nil, requiresTLS: false)))
            #expect(configuration.schedule == .every(.seconds(900)))
            #expect(configuration.guardLimits.count == 400)
            #expect(configuration.guardLimits.percent == 10)
            #expect(configuration.messageBytesMax == 4 * 1_048_576)
            guard case .requestor(let master) = configuration.role else {
                Issue.record("expected a requestor, found \(configuration.role)")
                return
            }
            #expect(master.organization == "headquarters")
            #expect(master.organizationID == UUID(uuidString: "11111111-2222-4333-8444-555555555555"))
            #expect(master.address == "interorg@master.example")
        }
    }

    @Test("a master's file gives its requestors, and defaults for what it leaves out")
    func master() throws {
        try ConfigurationFolder.with { folder in
            let configuration = try folder.load(ConfigurationExample.master)
            #expect(configuration.organizationID.uuidString == "FC80FC6D-48D0-5A36-8BA7-BD54BB4012E3")
            #expect(configuration.stateFolder == "/var/lib/interorg")
            #expect(configuration.directory.transportSecurity == .localSocket)
            #expect(configuration.directory.bind == .anonymous)
            #expect(configuration.directory.mapping == .inetOrgPerson)
            #expect(configuration.guardLimits == .standard)
            #expect(configuration.messageBytesMax == 8_000_000)
            #expect(
                configuration.exchange.inbox
                    == .listener(.init(delivery: .smtp, host: "::1", port: 2525, tls: nil, requiresTLS: false)))
            guard case .at(let times) = configuration.schedule, case .master(let requestors) = configuration.role
            else {
                Issue.record("expected a master with times of day")
                return
            }
            #expect(times.map(\.description) == ["02:00", "14:30"])
            #expect(requestors.map(\.organization) == ["branch-a", "branch-b"])
            #expect(requestors[1].organizationID == OrganizationID(derivedFromName: "branch-b").uuid)
            let override = configuration.exchange.smtp(for: requestors[0])
            #expect(override.url == "smtp://mail.master.example:587")
            #expect(override.transportSecurity == .plaintext)
            #expect(override.credentials?.password.revealed == ConfigurationFolder.directoryPassword)
            #expect(configuration.exchange.smtp(for: requestors[1]).url == "smtps://mail.master.example:465")
        }
    }

    @Test(
        "what is plain on this machine needs no permission",
        arguments: ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"])
    func loopback(host: String) throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.requestor
                .with("ldap://ldap.a.example\n  startTLS: true", "ldap://\(host):3389")
                .with("smtp://mail.a.example:587", "smtp://\(host):2525")
            let configuration = try folder.load(text)
            #expect(configuration.directory.transportSecurity == .plaintext)
            #expect(configuration.exchange.smtp.transportSecurity == .plaintext)
            #expect(configuration.exchange.smtp.url == "smtp://\(host):2525")
        }
    }

    @Test("the submission server may be asked for TLS on this machine too, with a certificate authority of its own")
    func submissionTLS() throws {
        try ConfigurationFolder.with { folder in
            let local = try folder.load(
                ConfigurationExample.requestor.with(
                    "smtp://mail.a.example:587\"", "smtp://localhost\"\n    startTLS: true\n    caFile: ca.pem"))
            #expect(local.exchange.smtp.transportSecurity == .startTLS)
            #expect(local.exchange.smtp.caFile == folder.path + "/ca.pem")
            #expect(local.exchange.smtp.url == "smtp://localhost:587")
            #expect(try folder.load(ConfigurationExample.requestor).exchange.smtp.caFile == nil)
        }
    }

    @Test(
        "durations have a unit",
        arguments: [("1s", 1), ("90s", 90), ("15m", 900), ("2h", 7_200), ("1d", 86_400), ("366d", 31_622_400)]
    )
    func durations(text: String, seconds: Int) throws {
        try ConfigurationFolder.with { folder in
            let configuration = try folder.load(ConfigurationExample.requestor.with("15m", text))
            #expect(configuration.schedule == .every(.seconds(seconds)))
        }
    }

    @Test(
        "sizes have a unit",
        arguments: [("64kB", 64_000), ("63KiB", 64_512), ("8MB", 8_000_000), ("1MiB", 1_048_576)]
    )
    func sizes(text: String, bytes: Int) throws {
        try ConfigurationFolder.with { folder in
            let configuration = try folder.load(ConfigurationExample.requestor.with("4MiB", text))
            #expect(configuration.messageBytesMax == bytes)
        }
    }

    @Test("an organization may only receive, only send, have no requestors yet, and a name beyond ASCII")
    func variants() throws {
        try ConfigurationFolder.with { folder in
            let receives = ConfigurationExample.master
                .with("export: [{ base: \"ou=people,dc=master,dc=example\" }]", "export: []")
            #expect(try folder.load(receives).directory.exports.isEmpty)
            let sends = ConfigurationExample.requestor.with("  import: { base: \"ou=interorg,dc=a,dc=example\" }\n", "")
            #expect(try folder.load(sends).directory.imports?.base == nil)
            let alone = """
                organization: Zu\u{308}rich
                role: master
                state: .
                directory: { url: "ldaps://ldap.example", bind: anonymous, import: { base: "ou=i,dc=example" } }
                exchange:
                  { insecure: true, address: a@b.example, requestors: [], smtp: { url: smtp://localhost },
                    inbox: { lmtp: 127.0.0.1:24 } }
                schedule: { at: [02:00] }
                """
            let configuration = try folder.load(alone)
            #expect(configuration.role == .master(requestors: []))
            // The bytes, because Swift's own comparison does not tell normalization forms apart.
            #expect(Array(configuration.organization.utf8) == Array("Z\u{FC}rich".utf8))
            #expect(configuration.organizationID.uuidString == "E040512C-E296-5C0B-944F-6CDD37FFFD2B")
            #expect(configuration.stateFolder == folder.path)
            #expect(configuration.directory.bind == .anonymous)
        }
    }

    @Test("line ends of Windows, a byte order mark and aliases change nothing")
    func otherTexts() throws {
        try ConfigurationFolder.with { folder in
            let plain = try folder.load(ConfigurationExample.requestor)
            let windows = "\u{FEFF}" + ConfigurationExample.requestor.replacingOccurrences(of: "\n", with: "\r\n")
            let fromWindows = try folder.load(windows)
            #expect(fromWindows == plain)
            let aliased = ConfigurationExample.requestor
                .with("interorg@a.example", "&own interorg@a.example").with("user: interorg", "user: *own")
            let withAlias = try folder.load(aliased)
            #expect(withAlias.exchange.smtp.credentials?.user == "interorg@a.example")
        }
    }
}
