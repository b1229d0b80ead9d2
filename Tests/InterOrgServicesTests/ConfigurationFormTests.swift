import InterOrgServices
import StrictYAML
import Testing

/// One mistake in an example, and what must be said about it.
struct Mistake: CustomTestStringConvertible {
    let old: String
    let new: String
    /// How the only problem starts: `line:column: key.path: `.
    let place: String
    /// A part of what it says.
    let message: String
    var example = ConfigurationExample.requestor

    var testDescription: String { "\(place)\(message)" }

    init(_ old: String, _ new: String, _ place: String, _ message: String, in example: String? = nil) {
        (self.old, self.new, self.place, self.message) = (old, new, place, message)
        self.example = example ?? ConfigurationExample.requestor
    }

    func check() throws {
        try ConfigurationFolder.with { folder in
            let problems = try folder.problems(example.with(old, new))
            #expect(problems.count == 1, "\(problems)")
            let problem = problems.first ?? ""
            #expect(problem.hasPrefix(place + ": ") && problem.contains(message), "\(problem)")
        }
    }
}

@Suite("What is wrong with the form of a configuration is said with its line")
struct ConfigurationFormTests {
    static let mistakes: [Mistake] = [
        Mistake("state: state", "sate: state\nstate: state", "4:1: sate", "unknown key; did you mean \"state\"?"),
        Mistake("caFile", "cafile", "9:3: directory.cafile", "did you mean \"caFile\"?"),
        Mistake("filter:", "query:", "13:7: directory.export[0].query", "unknown key (allowed: base, filter)"),
        Mistake("{ count", "{ cuont: 1, count", "30:10: guard.cuont", "did you mean \"count\"?"),
        Mistake("state: state\n", "", "1:1", "the key \"state\" is missing"),
        Mistake("url: ldap://ldap.a.example\n  ", "", "6:3: directory", "the key \"url\" is missing"),
        Mistake("    organization: headquarters\n", "", "21:5: exchange.master", "\"organization\" is missing"),
        Mistake("schedule: { every: 15m }\n", "", "1:1", "the key \"schedule\" is missing"),
        Mistake("organization: branch-a", "organization: 12", "1:15: organization", "expected text, found a number"),
        Mistake("organization: branch-a", "organization: true", "1:15: organization", "put it in quotes"),
        Mistake("organization: branch-a", "organization: [a]", "1:15: organization", "expected text, found a list"),
        Mistake("organization: branch-a", "organization: ", "1:14: organization", "found nothing"),
        Mistake("organization: branch-a", "organization: \"\"", "1:15: organization", "the text is empty"),
        Mistake("startTLS: true", "startTLS: yes", "7:13: directory.startTLS", "expected true or false, found text"),
        Mistake("count: 400", "count: many", "30:17: guard.count", "expected an integer from 0 to 1000000000"),
        Mistake("count: 400", "count: -1", "30:17: guard.count", "found -1"),
        Mistake("percent: 10", "percent: 101", "30:31: guard.percent", "from 0 to 100, found 101"),
        Mistake("percent: 10", "percent: 9.5", "30:31: guard.percent", "from 0 to 100, found 9.5"),
        Mistake(
            "guard: { count: 400, percent: 10 }", "guard: 7", "30:8: guard", "expected a mapping with keys of: count"),
        Mistake("15m", "15", "29:20: schedule.every", "found 15 without a unit"),
        Mistake("15m", "0m", "29:20: schedule.every", "out of range; expected a duration from 1s to 366d"),
        Mistake("15m", "367d", "29:20: schedule.every", "out of range"),
        Mistake("15m", "999999999999999999d", "29:20: schedule.every", "out of range"),
        Mistake("15m", "1w", "29:20: schedule.every", "expected a duration"),
        Mistake("{ every: 15m }", "{ at: [\"24:00\"] }", "29:18: schedule.at[0]", "from \"00:00\" to \"23:59\""),
        Mistake("{ every: 15m }", "{ at: [1:00] }", "29:18: schedule.at[0]", "found \"1:00\""),
        Mistake("{ every: 15m }", "{ at: [\"02:00\", \"02:00\"] }", "29:27: schedule.at[1]", "more than once"),
        Mistake("{ every: 15m }", "{ at: [] }", "29:17: schedule.at", "the list is empty"),
        Mistake("{ every: 15m }", "{ every: 1m, at: [\"02:00\"] }", "29:11: schedule", "found 2"),
        Mistake("{ every: 15m }", "{}", "29:11: schedule", "found none"),
        Mistake("{ every: 15m }", "{ every: 15m, continuous: true }", "29:11: schedule", "found 2"),
        Mistake("{ every: 15m }", "{ continuous: false }", "29:25: schedule.continuous", "use every or at instead"),
        Mistake("{ every: 15m }", "{ continuous: always }", "29:25: schedule.continuous", "true"),
        Mistake("4MiB", "63kB", "31:15: messageBytes", "out of range; expected a size from 64kB"),
        Mistake("4MiB", "4000000", "31:15: messageBytes", "without a unit"),
        Mistake("4MiB", "4 GB", "31:15: messageBytes", "in kB, MB, KiB or MiB"),
        Mistake("role: requestor", "role: requester", "3:7: role", "did you mean \"requestor\"?"),
        Mistake("role: requestor", "role: replication", "3:7: role", "comes with a later version"),
        Mistake("mapping: inetOrgPerson", "mapping: person", "16:12: directory.mapping", "allowed: inetOrgPerson"),
        Mistake("state: state", "state: ca.pem", "4:8: state", "is not a folder"),
        Mistake("2d1c9a52-5f0e-4c5e-9d7a-0a6a5f4f7b11", "7d3c", "2:17: organizationID", "expected a UUID"),
        Mistake("branch-a", "a/b", "1:15: organization", "\"/\", \"\\\" and line breaks are not allowed"),
        Mistake("branch-a", "\" a\"", "1:15: organization", "no space at its ends"),
        Mistake("branch-a", "\"a\\tb\"", "1:15: organization", "control character"),
        Mistake("branch-a", String(repeating: "x", count: 65), "1:15: organization", "allowed are 1 to 64"),
        Mistake("branch-a", "!!binary YQ==", "1:15: organization", "a value with a YAML tag"),
        Mistake("state: state", "state: state\n? [a, b]\n: c", "5:3", "a key must be a text"),
    ]

    @Test("each mistake is one problem at its place", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        try mistake.check()
    }

    @Test("a key that is given twice is told with both lines, and does not hide other problems")
    func repeatedKeys() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.requestor
                .with("  startTLS: true", "  startTLS: true\n  url: ldap://ldap.b.example")
                .with("{ count: 400,", "{ count: 1, count: 2, count: 400,")
                .with("15m", "15")
            let problems = try folder.problems(text)
            #expect(problems.count == 3, "\(problems)")
            #expect(problems[0].hasPrefix("8:3: directory.url: the key is given more than once, first in line 6;"))
            #expect(problems[1].hasPrefix("30:20: schedule.every: "))
            #expect(problems[2].hasPrefix("31:30: guard.count: the key is given more than once, first in line 31;"))
        }
    }

    @Test("a quoted key that is given twice is told as well")
    func repeatedQuotedKey() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.requestor.with("state: state", "\"state\": a\nstate: state")
            let problems = try folder.problems(text)
            #expect(problems.first?.hasPrefix("4:1: a key is given again") == true)
        }
    }

    @Test("all problems are told at once, in the order of the file")
    func allProblems() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.requestor
                .with("role: requestor", "role: boss").with("state: state", "stat: state")
                .with("insecure: false", "insecure: 0").with("127.0.0.1:2424", "2424").with("15m", "soon")
            let places = try folder.problems(text).map { $0.split(separator: ": ").prefix(2).joined(separator: " ") }
            let expected = [
                "1:1 the key \"state\" is missing here", "3:7 role", "4:1 stat", "8:13 directory.insecure",
                "28:18 exchange.inbox.lmtp", "29:20 schedule.every",
            ]
            #expect(places == expected)
        }
    }

    @Test(
        "a text that is no configuration is refused in one sentence",
        arguments: [
            ("", "the file is empty"), ("# nothing\n", "the file is empty"), ("- a\n", "expected a mapping"),
            ("a: b: c\n", "1:5: this is not YAML"), ("a: [b\n", "this is not YAML"),
            ("a: 1\n---\nb: 2\n", "this is not one YAML document"), ("a: *b\n", "this is not one YAML document"),
        ]
    )
    func notAConfiguration(text: String, message: String) throws {
        try ConfigurationFolder.with { folder in
            let problems = try folder.problems(text)
            #expect(problems.count == 1)
            #expect(problems.first?.contains(message) == true, "\(problems)")
        }
    }

    @Test("a file that is not there is told with its path and the reason")
    func missingFile() {
        let path = "/nonexistent/interorg.yaml"
        let error = #expect(throws: YAMLError.self) {
            try Configuration.load(path: path, environment: [:], dnIsWithin: ConfigurationFolder.dnIsWithin)
        }
        let expected = "\(path): the configuration file cannot be read: No such file or directory"
        #expect(error?.description == expected)
    }
}
