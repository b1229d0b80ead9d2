import InterOrgServices
import Testing

@Suite("Secrets")
struct ConfigurationSecretTests {
    @Test("no description, interpolation or dump of a configuration shows a secret")
    func neverShown() throws {
        try ConfigurationFolder.with { folder in
            for text in [ConfigurationExample.requestor, ConfigurationExample.master] {
                let configuration = try folder.load(text)
                var dumped = ""
                dump(configuration, to: &dumped)
                let shown = dumped + "\(configuration)" + String(reflecting: configuration)
                #expect(!shown.contains(ConfigurationFolder.directoryPassword))
                #expect(!shown.contains(ConfigurationFolder.mailPassword))
                #expect(shown.contains("(secret)"))
            }
            #expect("\(Secret("abc"))" == "(secret)")
            #expect(Secret("abc").revealed == "abc")
        }
    }

    @Test(
        "a password file that others may open is refused",
        arguments: [(0o640, "0640"), (0o604, "0604"), (0o644, "0644"), (0o610, "0610"), (0o777, "0777")]
    )
    func openFile(mode: Int, shown: String) throws {
        try ConfigurationFolder.with { folder in
            try folder.write(ConfigurationFolder.directoryPassword, to: "ldap.secret", mode: mode)
            let problems = try folder.problems(ConfigurationExample.requestor)
            #expect(problems.count == 1)
            let place = "10:60: directory.bind.passwordFile: "
            #expect(
                problems[0].hasPrefix(place)
                    && problems[0].contains("(mode \(shown)); run chmod 600 \(folder.path)/ldap.secret"))
        }
    }

    @Test(
        "one line break at the end of a password does not count",
        arguments: [("a b", "a b"), ("a b\n", "a b"), ("a b\r\n", "a b"), (" a \n", " a ")]
    )
    func lineBreak(content: String, password: String) throws {
        try ConfigurationFolder.with { folder in
            try folder.write(content, to: "ldap.secret")
            let bind = try folder.load(ConfigurationExample.requestor).directory.bind
            #expect(bind == .simple(dn: "cn=interorg,dc=a,dc=example", password: Secret(password)))
        }
    }

    @Test(
        "an empty password, or more than a password, is refused",
        arguments: [("", "is empty"), ("\n", "is empty"), ("hidden-1\nhidden-2\n", "has more than one line")]
    )
    func badContent(content: String, message: String) throws {
        try ConfigurationFolder.with { folder in
            try folder.write(content, to: "ldap.secret")
            let fromFile = try folder.problems(ConfigurationExample.requestor)
            #expect(fromFile.count == 1)
            #expect(fromFile[0].contains("directory.bind.passwordFile: the password file named here \(message)"))
            try folder.write(ConfigurationFolder.directoryPassword, to: "ldap.secret")
            let environment = ["SMTP_PASSWORD": content]
            let fromEnvironment = try folder.problems(ConfigurationExample.requestor, environment: environment)
            #expect(fromEnvironment.count == 1)
            #expect(fromEnvironment[0].contains("27:26: exchange.smtp.passwordEnvironment: the environment variable"))
            #expect(!(fromFile + fromEnvironment).joined().contains("hidden"))
        }
    }

    /// Each of these is a slip that has put a password where something else belongs.
    @Test(
        "a password that slipped to a wrong place is not repeated in the problem",
        arguments: [
            ("passwordFile: ldap.secret", "passwordFile: hunter2"),
            ("passwordFile: ldap.secret", "password: hunter2"),
            ("passwordFile: ldap.secret", "passwordFile:hunter2"),
            ("passwordFile: ldap.secret", "passwordEnvironment: hunter2"),
            ("passwordFile: ldap.secret", "passwordEnvironment: \"hunter2!\""),
            ("passwordFile: ldap.secret", "passwordFile: [hunter2]"),
            ("{ dn: \"cn=interorg,dc=a,dc=example\", passwordFile: ldap.secret }", "hunter2"),
            ("passwordFile: ldap.secret }", "passwordFile: hunter2\n"),
            ("passwordFile: ldap.secret", "password: \"hunter2"),
            ("smtp://mail.a.example:587", "smtp://interorg:hunter2@mail.a.example:587"),
            ("ldap://ldap.a.example", "ldap://cn=interorg:hunter2@ldap.a.example"),
        ]
    )
    func slippedSecret(old: String, new: String) throws {
        try ConfigurationFolder.with { folder in
            let problems = try folder.problems(ConfigurationExample.requestor.with(old, new))
            #expect(!problems.isEmpty)
            #expect(!problems.joined().contains("hunter2"), "\(problems)")
        }
    }

    @Test("a password in the file itself is answered with the key for it")
    func passwordInFile() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.requestor.with("passwordFile: ldap", "password: ldap")
            let problems = try folder.problems(text)
            #expect(problems.contains { $0.contains("did you mean \"passwordFile\"?") })
        }
    }
}
