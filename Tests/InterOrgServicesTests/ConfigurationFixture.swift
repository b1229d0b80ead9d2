import Foundation
import InterOrgServices
import StrictYAML
import Testing

/// A temporary folder with a configuration file and the files that it names.
struct ConfigurationFolder {
    static let directoryPassword = "Correct-Horse-1"
    static let mailPassword = "Battery-Staple-2"

    let path: String
    var configurationPath: String { path + "/interorg.yaml" }

    /// Makes a folder with a readable `ca.pem` and a `ldap.secret` that only its owner may read; removes it in the end.
    static func with<Result>(_ body: (ConfigurationFolder) throws -> Result) throws -> Result {
        let path = NSTemporaryDirectory() + "interorg-configuration-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = ConfigurationFolder(path: path)
        try folder.write("certificate", to: "ca.pem", mode: 0o644)
        try folder.write(directoryPassword + "\n", to: "ldap.secret", mode: 0o600)
        return try body(folder)
    }

    func write(_ text: String, to name: String, mode: Int = 0o600) throws {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    }

    func load(
        _ text: String, environment: [String: String] = ["SMTP_PASSWORD": mailPassword]
    ) throws -> Configuration {
        try write(text, to: "interorg.yaml", mode: 0o644)
        return try Configuration.load(
            path: configurationPath, environment: environment, dnIsWithin: ConfigurationFolder.dnIsWithin
        )
    }

    /// What is wrong with a text, each problem without the file's path; empty if it loads.
    func problems(
        _ text: String, environment: [String: String] = ["SMTP_PASSWORD": mailPassword]
    ) throws -> [String] {
        do {
            _ = try load(text, environment: environment)
            return []
        } catch let error as YAMLError {
            #expect(error.problems.allSatisfy { $0.description.hasPrefix(configurationPath + ":") })
            return error.problems.map { String($0.description.dropFirst(configurationPath.count + 1)) }
        }
    }

    /// Enough of a DN comparison for these tests: no escapes, letter case and spaces around commas do not count.
    static func dnIsWithin(inner: String, outer: String) -> Bool? {
        guard let inner = parts(of: inner), let outer = parts(of: outer) else { return nil }
        return inner.suffix(outer.count) == outer[...]
    }

    private static func parts(of dn: String) -> [String]? {
        let parts = dn.lowercased().split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        return parts.allSatisfy { $0.contains("=") && !$0.hasPrefix("=") } ? parts : nil
    }
}

extension String {
    /// This text with a part replaced that must be in it exactly once.
    func with(_ old: String, _ new: String) -> String {
        #expect(components(separatedBy: old).count == 2, "\(old) must be in the example exactly once")
        return replacingOccurrences(of: old, with: new)
    }
}

/// Complete configurations, with every key of the format between them. Lines are counted by the tests.
enum ConfigurationExample {
    static let requestor = """
        organization: branch-a
        organizationID: 2d1c9a52-5f0e-4c5e-9d7a-0a6a5f4f7b11
        role: requestor
        state: state
        directory:
          url: ldap://ldap.a.example
          startTLS: true
          insecure: false
          caFile: ca.pem
          bind: { dn: "cn=interorg,dc=a,dc=example", passwordFile: ldap.secret }
          export:
            - base: "ou=people,dc=a,dc=example"
              filter: "(mail=*)"
            - base: "ou=lists,dc=a,dc=example"
          import: { base: "ou=interorg,dc=a,dc=example" }
          mapping: inetOrgPerson
        exchange:
          insecure: true
          address: interorg@a.example
          master:
            organization: headquarters
            organizationID: 11111111-2222-4333-8444-555555555555
            address: interorg@master.example
          smtp:
            url: "smtp://mail.a.example:587"
            user: interorg
            passwordEnvironment: SMTP_PASSWORD
          inbox: { lmtp: "127.0.0.1:2424" }
        schedule: { every: 15m }
        guard: { count: 400, percent: 10 }
        messageBytes: 4MiB

        """

    static let master = """
        organization: headquarters
        role: master
        state: /var/lib/interorg
        directory:
          url: ldapi://%2Frun%2Fslapd%2Fldapi
          export: [{ base: "ou=people,dc=master,dc=example" }]
          import: { base: "ou=interorg,dc=master,dc=example" }
        exchange:
          insecure: true
          address: interorg@master.example
          requestors:
            - organization: branch-a
              organizationID: 2d1c9a52-5f0e-4c5e-9d7a-0a6a5f4f7b11
              address: interorg@a.example
              smtp:
                url: smtp://mail.master.example
                insecure: true
                user: interorg
                passwordFile: ldap.secret
            - { organization: branch-b, address: interorg@b.example }
          smtp: { url: smtps://mail.master.example }
          inbox: { smtp: "[::1]:2525" }
        schedule: { at: ["14:30", "02:00"] }

        """

    /// With the other inboxes.
    static var all: [String] {
        [
            requestor, master, requestor.with("{ lmtp: \"127.0.0.1:2424\" }", ConfigurationInboxTests.imap),
            requestor.with("{ lmtp: \"127.0.0.1:2424\" }", ConfigurationInboxTests.maildir),
            requestor.with("{ lmtp: \"127.0.0.1:2424\" }", ConfigurationInboxTests.listener),
        ]
    }
}
