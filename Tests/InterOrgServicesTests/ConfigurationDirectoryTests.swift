import DirectoryMapping
import LDAPDirectory
import InterOrgServices
import StrictYAML
import Testing

@Suite("What is wrong with the directory section is said with its line")
struct ConfigurationDirectoryTests {
    static let mistakes: [Mistake] = [
        Mistake(
            "ldap://ldap.a.example", "http://ldap.a.example", "6:8: directory.url", "the scheme \"http\" is not known"),
        Mistake("ldap://ldap.a.example", "ldap.a.example", "6:8: directory.url", "expected ldap://host:port, ldaps://"),
        Mistake("ldap://ldap.a.example", "ldap://a.example/dc=a", "6:8: directory.url", "without path and query"),
        Mistake("ldap://ldap.a.example", "ldap://a.example:70000", "6:8: directory.url", "a port from 1 to 65535"),
        Mistake(
            "ldap://ldap.a.example", "ldaps://a.example", "7:13: directory.startTLS", "startTLS is for ldap:// only"),
        Mistake("startTLS: true", "startTLS: false", "6:8: directory.url", "would send everything in the clear"),
        Mistake(
            "ldap://ldap.a.example\n  startTLS: true", "ldap://127.evil.example\n  startTLS: false",
            "6:8: directory.url", "in the clear"),
        Mistake("caFile: ca.pem", "caFile: no.pem", "9:11: directory.caFile", "No such file or directory"),
        Mistake(
            "  bind: { dn: \"cn=interorg,dc=a,dc=example\", passwordFile: ldap.secret }\n", "", "6:3: directory",
            "the key \"bind\" is missing"),
        Mistake("bind: { dn: \"cn=interorg,dc=a,dc=example\",", "bind: {", "10:9: directory.bind", "\"dn\" is missing"),
        Mistake("cn=interorg,dc=a,dc=example", "interorg", "10:15: directory.bind.dn", "\"interorg\" is not a DN"),
        Mistake(", passwordFile: ldap.secret", "", "10:9: directory.bind", "a password is missing"),
        Mistake(
            "passwordFile: ldap.secret", "passwordFile: ldap.secret, passwordEnvironment: SMTP_PASSWORD",
            "10:9: directory.bind", "exactly one of the keys \"passwordFile\", \"passwordEnvironment\", found 2"),
        Mistake(
            "mapping: inetOrgPerson", "mapping: { file: none.yaml }", "16:20: directory.mapping.file",
            "none.yaml cannot be read: No such file"),
        Mistake("mapping: inetOrgPerson", "mapping: my.yaml", "16:12: directory.mapping", "write { file: my.yaml }"),
        Mistake("mapping: inetOrgPerson", "mapping: {}", "16:12: directory.mapping", "\"file\" is missing"),
        Mistake("\"(mail=*)\"", "mail=*", "13:15: directory.export[0].filter", "parentheses"),
        Mistake("\"(mail=*)\"", "\"(mail=*)(l=x)\"", "13:15: directory.export[0].filter", "parentheses"),
        Mistake("\"(mail=*)\"", "\"((mail=*)\"", "13:15: directory.export[0].filter", "parentheses"),
        Mistake("ou=lists,dc=a", "nothing", "14:13: directory.export[1].base", "is not a DN"),
        Mistake(
            "import: { base: \"ou=interorg,dc=a,dc=example\" }", "import:", "15:10: directory.import", "found nothing"),
        Mistake(
            "mapping: inetOrgPerson", "changes: syncprov", "16:12: directory.changes", "contentSync"),
        Mistake(
            "import: {", "import: { placement: \"uid=alias\",", "15:24: directory.import.placement",
            "is the same for all entries"),
        Mistake(
            "import: {", "import: { placement: \"uid={alais},ou={organization}\",", "15:24: directory.import.placement",
            "{alais} cannot stand there (what can: {givenName}"),
        Mistake(
            "import: {", "import: { placement: \"{name},cn=x\",", "15:24: directory.import.placement",
            "a container is named by dc, l, o, ou"),
        Mistake(
            "import: {", "import: { adopt: employeeNumber,", "15:20: directory.import.adopt",
            "the mapping does not write \"employeeNumber\""),
        Mistake("mapping: inetOrgPerson", "audit: never", "16:10: directory.audit", "expected a duration"),
        Mistake(
            "ou=lists,dc=a,dc=example", "ou=x, OU=People,dc=a,dc=example", "14:13: directory.export[1].base",
            "and \"ou=people,dc=a,dc=example\" (directory.export[0].base, line 12) overlap"),
        Mistake(
            "ou=lists,dc=a,dc=example", "dc=a,dc=example", "14:13: directory.export[1].base",
            "(directory.export[0].base, line 12) overlap"),
        Mistake(
            "ou=lists,dc=a,dc=example", "ou=Interorg,dc=a,dc=example", "14:13: directory.export[1].base",
            "below the import base \"ou=interorg,dc=a,dc=example\" (directory.import.base, line 15)"),
        Mistake(
            "ou=lists,dc=a,dc=example", "ou=b,ou=interorg,dc=a,dc=example", "14:13: directory.export[1].base",
            "must not be exported again"),
        Mistake(
            "  export: [{ base: \"ou=people,dc=master,dc=example\" }]\n"
                + "  import: { base: \"ou=interorg,dc=master,dc=example\" }\n", "", "5:3: directory",
            "there is nothing to do", in: ConfigurationExample.master),
    ]

    @Test("each mistake is one problem at its place", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        try mistake.check()
    }

    @Test("imported entries stand where the placement says, and are adopted only where that is said")
    func placement() throws {
        try ConfigurationFolder.with { folder in
            let standard = try folder.load(ConfigurationExample.requestor).directory
            #expect(standard.imports?.placement == .mirroring)
            #expect(standard.imports?.adoption == nil)
            let chosen = try folder.load(
                ConfigurationExample.requestor.with(
                    "import: { ", "import: { placement: \"uid={alias},ou={organization}\", adopt: MAIL, "))
            #expect(try chosen.directory.imports?.placement == PlacementTemplate("uid={alias},ou={organization}"))
            #expect(chosen.directory.imports?.adoption == "mail")
        }
    }

    @Test("large imports are written in transactions only where that is said")
    func transactions() throws {
        try ConfigurationFolder.with { folder in
            let standard = try folder.load(ConfigurationExample.requestor).directory
            #expect(standard.imports?.transactions == .never)
            let chosen = try folder.load(
                ConfigurationExample.requestor.with("import: { ", "import: { transactions: auto, "))
            #expect(chosen.directory.imports?.transactions == .auto)
        }
    }

    @Test(
        "the server is asked for changes in the best way it knows and the directory audited daily, unless told otherwise"
    )
    func changes() throws {
        try ConfigurationFolder.with { folder in
            let standard = try folder.load(ConfigurationExample.requestor).directory
            #expect(standard.changes == .auto)
            #expect(standard.auditEvery == .seconds(86_400))
            let chosen = try folder.load(
                ConfigurationExample.requestor
                    .with("mapping: inetOrgPerson", "changes: scan\n  audit: 12h")
                    .with("{ every: 15m }", "{ continuous: true }"))
            #expect(chosen.directory.changes == .scan)
            #expect(chosen.directory.auditEvery == .seconds(43_200))
            #expect(chosen.schedule == .continuous)
        }
    }

    @Test("a mapping of the user's own is read from a file beside the configuration")
    func mappingFile() throws {
        try ConfigurationFolder.with { folder in
            try folder.write("basedOn: inetOrgPerson\nexport: { company: null }\n", to: "mapping.yaml")
            let text = ConfigurationExample.requestor.with("mapping: inetOrgPerson", "mapping: { file: mapping.yaml }")
            let mapping = try folder.load(text).directory.mapping
            #expect(mapping != .inetOrgPerson && mapping.name == folder.path + "/mapping.yaml")
        }
    }

    @Test("the mistakes of a mapping file are told with those of the configuration, each with its own file")
    func mappingMistakes() throws {
        try ConfigurationFolder.with { folder in
            try folder.write("export:\n  titel: title\n  sn: 7\n", to: "mapping.yaml")
            let text = ConfigurationExample.requestor.with("mapping: inetOrgPerson", "mapping: { file: mapping.yaml }")
                .with("count: 400", "count: x")
            let error = #expect(throws: YAMLError.self) { try folder.load(text) }
            let places = error?.problems.map { "\($0.file.split(separator: "/").last ?? "") \($0.line ?? 0)" }
            #expect(places == ["interorg.yaml 30", "mapping.yaml 2", "mapping.yaml 3"])
        }
    }

    @Test("an import base inside an export base is allowed: imported entries are known by their stamp")
    func importInsideExport() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.master.with("ou=people,dc=master", "dc=master")
            let problems = try folder.problems(text)
            #expect(problems == [])
        }
    }
}
