import Foundation
import InterOrgServices
import MailTransport
import StrictYAML
import Testing

/// A folder with the requestor of the examples, whose mail is sealed, and the keys that it needs.
private func withKeys(_ body: (ConfigurationFolder) throws -> Void) throws {
    try ConfigurationFolder.with { folder in
        for (name, address) in [("a", "interorg@a.example"), ("hq", "interorg@master.example")] {
            let identity = try MailIdentity.selfSigned(
                organization: name, address: MailAddress(address), key: .makeP256(), days: 100, now: Date())
            try folder.write(identity.certificate.pem, to: "\(name).crt", mode: 0o644)
            try folder.write(identity.key.pem(), to: "\(name).key")
        }
        try body(folder)
    }
}

private let sealed = ConfigurationExample.requestor
    .with("  insecure: true\n", "  identity: { certificate: a.crt, key: a.key }\n")
    .with("    address: interorg@master.example\n", "    address: interorg@master.example\n    certificate: hq.crt\n")

@Suite("Keys in the configuration")
struct ConfigurationKeysTests {
    @Test("are read with it")
    func read() throws {
        try withKeys { folder in
            let configuration = try folder.load(sealed.with("certificate: hq.crt", "certificate: [hq.crt]"))
            #expect(configuration.exchange.isSealed)
            let keys = try #require(configuration.exchange.protection.keys)
            #expect(keys.keyFile == "\(folder.path)/a.key" && keys.certificateFile == "\(folder.path)/a.crt")
            #expect(keys.identity?.certificate.addresses.map(\.text) == ["interorg@a.example"])
            guard case .requestor(let master) = configuration.role else { throw WrongRole() }
            #expect(master.certificates.all.map(\.subject) == ["CN=hq"] && master.cipher == nil)
            #expect(configuration.keyReports(now: Date()).map(\.organization) == ["branch-a", "headquarters"])
            let cbc = try folder.load(
                sealed.with("    certificate: hq.crt", "    cipher: aes-256-cbc\n    certificate: hq.crt"))
            guard case .requestor(let old) = cbc.role else { throw WrongRole() }
            #expect(old.cipher == .aes256CBC)
        }
    }

    private struct WrongRole: Error {}

    @Test(
        "that cannot be used are a problem at their place",
        arguments: [
            ("key: a.key", "key: hq.key", "exchange.identity: the key does not belong to the certificate"),
            ("key: a.key", "key: none.key", "exchange.identity.key: the key file"),
            ("key: a.key", "key: none.key", "interorg keys create"),
            ("key: a.key", "key: a.crt", "open to others than its owner"),
            ("key: a.key", "key: ldap.secret", "it has no private key"),
            ("certificate: a.crt,", "certificate: ca.pem,", "exchange.identity.certificate: the certificate file"),
            ("{ certificate: a.crt, key: a.key }", "{ certificate: a.crt }", "the key \"key\" is missing here"),
            ("certificate: hq.crt", "certificate: none.crt", "interorg keys trust"),
            ("certificate: hq.crt", "certificate: ca.pem", "it has no certificate"),
            ("certificate: hq.crt", "certificate: []", "the list is empty"),
            ("certificate: hq.crt", "certificate: 7", "expected text"),
            ("    certificate: hq.crt\n", "", "the organization's certificate is missing here"),
            ("certificate: hq.crt", "certificate: a.crt", "is also that of this organization"),
            ("certificate: hq.crt", "certificate: hq.crt\n    cipher: rot13", "\"rot13\" is not known"),
            (
                "  address: interorg@a.example", "  authority: none.pem\n  address: interorg@a.example",
                "exchange.authority"
            ),
        ])
    func mistakes(old: String, new: String, problem: String) throws {
        try withKeys { folder in
            let problems = try folder.problems(sealed.with(old, new))
            #expect(problems.count == 1, "\(problems)")
            #expect(problems.first?.contains(problem) == true, "\(problems)")
        }
    }

    @Test("may be missing while they are being made, and then are not needed")
    func beforeTheyAreMade() throws {
        try ConfigurationFolder.with { folder in
            try folder.write(sealed, to: "interorg.yaml")
            let configuration = try Configuration.load(
                path: folder.configurationPath, environment: ["SMTP_PASSWORD": "x"],
                dnIsWithin: ConfigurationFolder.dnIsWithin, keysMayBeMissing: true)
            #expect(configuration.exchange.protection.keys?.identity == nil)
            #expect(configuration.keyReports(now: Date()) == [])
        }
    }

    @Test("are not needed with insecure: true, which is never assumed")
    func insecure() throws {
        try withKeys { folder throws in
            #expect(try !folder.load(ConfigurationExample.requestor).exchange.isSealed)
            let both = sealed.with("  identity:", "  insecure: true\n  identity:")
            #expect(try !folder.load(both).exchange.isSealed)
            #expect(try folder.load(sealed.with("  identity:", "  insecure: false\n  identity:")).exchange.isSealed)
        }
    }

    @Test("of requestors need not be named where there is an authority; that of a master always")
    func authority() throws {
        try withKeys { folder throws in
            let requestor = sealed.with(
                "  address: interorg@a.example", "  authority: hq.crt\n  address: interorg@a.example")
            #expect(try folder.load(requestor).exchange.protection.keys?.authority?.all.count == 1)
            #expect(try folder.problems(requestor.with("    certificate: hq.crt\n", "")).count == 1)
            let master = ConfigurationExample.master
                .with("exchange:\n  insecure: true\n", "exchange:\n  identity: { certificate: hq.crt, key: hq.key }\n")
            #expect(try folder.problems(master).count == 2)
            let certified = master.with("  identity:", "  authority: a.crt\n  identity:")
            #expect(try folder.problems(certified) == [])
        }
    }

    @Test("are warned of 30 days ahead, unless another one of the same organization goes on")
    func warnings() throws {
        try withKeys { folder in
            let configuration = try folder.load(sealed)
            let day = TimeInterval(86_400)
            #expect(configuration.keyWarnings(now: Date() + 69 * day) == [])
            let soon = configuration.keyWarnings(now: Date() + 71 * day)
            #expect(soon.count == 2)
            #expect(soon[0].contains("our own certificate expires in 28 days") && soon[0].contains("keys create"))
            #expect(
                soon[1].contains("the certificate of headquarters expires in 28 days") && soon[1].contains("keys trust")
            )
            #expect(configuration.keyWarnings(now: Date() + 101 * day).allSatisfy { $0.contains("has expired on") })
            #expect(configuration.keyWarnings(now: Date() - 3 * day).allSatisfy { $0.contains("is not valid before") })

            let renewed = try MailIdentity.selfSigned(
                organization: "hq", address: MailAddress("interorg@master.example"), key: .makeP256(), days: 700,
                now: Date())
            try folder.write(renewed.certificate.pem, to: "new.crt")
            let both = try folder.load(sealed.with("certificate: hq.crt", "certificate: [hq.crt, new.crt]"))
            #expect(both.keyWarnings(now: Date() + 71 * day).count == 1)
            #expect(both.keyReports(now: Date() + 101 * day).map(\.state) == [.expired, .expired, .valid])
        }
    }
}

@Suite("Keys that are made and trusted")
struct KeyFilesTests {
    private func load(_ folder: ConfigurationFolder) throws -> Configuration {
        try folder.write(sealed, to: "interorg.yaml")
        return try Configuration.load(
            path: folder.configurationPath, environment: ["SMTP_PASSWORD": "x"],
            dnIsWithin: ConfigurationFolder.dnIsWithin,
            keysMayBeMissing: true)
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("are for the owner alone, and never written over without being told")
    func create() throws {
        try ConfigurationFolder.with { folder in
            let make = { (isReplacing: Bool) in
                try KeyCreation.create(
                    self.load(folder), certificateFile: nil, keyFile: nil, days: 730, isReplacing: isReplacing,
                    now: Date())
            }
            let made = try make(false)
            #expect(try mode(made.keyFile) == 0o600 && mode(made.certificateFile) == 0o644)
            #expect(made.certificate.addresses == ["interorg@a.example"] && made.certificate.daysLeft >= 729)
            let error = #expect(throws: KeyError.self) { try make(false) }
            #expect(error?.description.contains("is there already") == true)
            #expect(
                try load(folder).exchange.protection.keys?.identity?.certificate.fingerprint
                    == made.certificate.fingerprint)
            let again = try make(true)
            #expect(again.certificate.fingerprint != made.certificate.fingerprint)
            #expect(
                try load(folder).exchange.protection.keys?.identity?.certificate.fingerprint
                    == again.certificate.fingerprint)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".new") } == [])
        }
    }

    @Test("are added beside those that are trusted, and taken away one by one")
    func trust() throws {
        try withKeys { folder in
            let now = Date()
            let first = try KeyTrust(load(folder), organization: "headquarters")
            #expect(try first.candidate(in: "\(folder.path)/hq.crt", now: now).isTrusted)
            let renewed = try MailIdentity.selfSigned(
                organization: "hq", address: MailAddress("interorg@master.example"), key: .makeP256(), days: 700,
                now: now)
            try folder.write(renewed.certificate.pem, to: "new.crt")
            let candidate = try first.candidate(in: "\(folder.path)/new.crt", now: now)
            #expect(!candidate.isTrusted)
            #expect(candidate.has(fingerprint: renewed.certificate.fingerprint.lowercased().replacing(" ", with: ":")))
            #expect(!candidate.has(fingerprint: String(renewed.certificate.fingerprint.dropLast())))
            #expect(!candidate.has(fingerprint: ""))
            try first.add(candidate, now: now)

            let both = try load(folder)
            #expect(both.keyReports(now: now).filter { !$0.isOwn }.count == 2)
            let second = try KeyTrust(both, organization: "headquarters")
            #expect(throws: KeyError.self) { try second.remove(fingerprint: "12", now: now) }
            #expect(throws: KeyError.self) { try second.remove(fingerprint: "0000 0000 0000", now: now) }
            let old = try #require(both.keyReports(now: now).first { !$0.isOwn })
            #expect(
                try second.remove(fingerprint: String(old.fingerprint.prefix(14)), now: now).fingerprint
                    == old.fingerprint)
            let left = try load(folder)
            #expect(left.keyReports(now: now).last?.fingerprint == renewed.certificate.fingerprint)
            let last = try KeyTrust(left, organization: "headquarters")
            let error = #expect(throws: KeyError.self) {
                try last.remove(fingerprint: renewed.certificate.fingerprint, now: now)
            }
            #expect(error?.description.contains("the only certificate") == true)
        }
    }

    @Test("are none that expired, that others have, or that come several at once")
    func notTrusted() throws {
        try withKeys { folder in
            let trust = try KeyTrust(load(folder), organization: "headquarters")
            let reason = { (file: String) in
                let error = #expect(throws: KeyError.self) {
                    try trust.candidate(in: "\(folder.path)/\(file)", now: Date())
                }
                return error?.description ?? ""
            }
            #expect(reason("a.crt").contains("is that of branch-a"))
            #expect(reason("a.key").contains("it has no certificate"))
            #expect(reason("none.crt").contains("cannot be read"))
            let old = try MailIdentity.selfSigned(
                organization: "hq", address: MailAddress("interorg@master.example"), key: .makeP256(), days: 1,
                now: Date() - 100 * 86_400)
            try folder.write(old.certificate.pem, to: "old.crt")
            #expect(reason("old.crt").contains("has expired on"))
            let hq = try String(contentsOfFile: "\(folder.path)/hq.crt", encoding: .utf8)
            try folder.write(hq + old.certificate.pem, to: "two.crt")
            #expect(reason("two.crt").contains("has 2 certificates"))
            let unknown = #expect(throws: KeyError.self) { try KeyTrust(load(folder), organization: "nobody") }
            #expect(unknown?.description.contains("\"headquarters\"") == true)
        }
    }
}
