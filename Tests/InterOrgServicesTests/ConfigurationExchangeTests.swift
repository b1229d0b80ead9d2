import InterOrgServices
import Testing

@Suite("What is wrong with the exchange section is said with its line")
struct ConfigurationExchangeTests {
    static let mistakes: [Mistake] = [
        Mistake("  insecure: true\n", "", "18:3: exchange", "interorg keys create"),
        Mistake("insecure: true", "insecure: false", "18:3: exchange", "or write insecure: true"),
        Mistake("interorg@a.example", "interorg", "19:12: exchange.address", "is not a mail address"),
        Mistake("interorg@a.example", "a b@a.example", "19:12: exchange.address", "is not a mail address"),
        Mistake("interorg@a.example", "a@b..example", "19:12: exchange.address", "is not a mail address"),
        Mistake("interorg@a.example", "Postmaster@a.example", "19:12: exchange.address", "taken for a bounce"),
        Mistake("    address: interorg@master.example\n", "", "21:5: exchange.master", "\"address\" is missing"),
        Mistake("smtp://mail", "imap://mail", "25:10: exchange.smtp.url", "the scheme \"imap\" is not known"),
        Mistake(
            "smtp://mail.a.example:587\"", "smtps://mail.a.example\"\n    startTLS: true",
            "26:15: exchange.smtp.startTLS",
            "startTLS is for smtp:// only"),
        Mistake(
            "587\"", "587\"\n    startTLS: true\n    insecure: true", "27:15: exchange.smtp.insecure",
            "keep one of them"),
        Mistake(
            "587\"", "587\"\n    insecure: true\n    caFile: ca.pem", "27:13: exchange.smtp.caFile",
            "there is none here (insecure: true)"),
        Mistake(
            "mail.a.example:587\"", "localhost\"\n    caFile: ca.pem", "26:13: exchange.smtp.caFile",
            "add startTLS: true"),
        Mistake(
            "587\"", "587\"\n    caFile: nowhere.pem", "26:13: exchange.smtp.caFile", "cannot be read"),
        Mistake("    user: interorg\n", "", "25:5: exchange.smtp", "\"user\" and a password go together"),
        Mistake("    passwordEnvironment: SMTP_PASSWORD\n", "", "25:5: exchange.smtp", "go together"),
        Mistake("\"127.0.0.1:2424\"", "\"127.0.0.1\"", "28:18: exchange.inbox.lmtp", "expected host:port"),
        Mistake("\"127.0.0.1:2424\"", "\"127.0.0.1:0\"", "28:18: exchange.inbox.lmtp", "a port from 1 to 65535"),
        Mistake("\"127.0.0.1:2424\"", "\"::1:2424\"", "28:18: exchange.inbox.lmtp", "[::1]:2424"),
        Mistake("lmtp: ", "smtp: \"[::1]:25\", lmtp: ", "28:10: exchange.inbox", "exactly one of the keys"),
        Mistake("{ lmtp: \"127.0.0.1:2424\" }", "{}", "28:10: exchange.inbox", "found none"),
        Mistake(
            "  smtp:\n", "  requestors: []\n  smtp:\n", "24:15: exchange.requestors", "only a master has requestors"),
        Mistake(
            "  requestors:\n", "  master: { organization: x, address: x@x.example }\n  requestors:\n",
            "11:11: exchange.master", "has no master", in: ConfigurationExample.master),
        Mistake(
            "organization: headquarters", "organization: Branch-A", "21:5: exchange.master", "of this organization"),
        Mistake(
            "organization: branch-b", "organization: BRANCH-a", "20:7: exchange.requestors[1]",
            "the name \"branch-a\" is also that of \"branch-a\" (exchange.requestors[0], line 12)",
            in: ConfigurationExample.master),
        Mistake(
            "interorg@b.example", "Interorg@A.example", "20:7: exchange.requestors[1]",
            "the address \"interorg@a.example\" is also that of \"branch-a\"", in: ConfigurationExample.master),
        Mistake(
            "branch-b,", "branch-b, receives: [headquarters, branch-x],",
            "20:58: exchange.requestors[1].receives[1]", "did you mean \"branch-a\"?", in: ConfigurationExample.master),
        Mistake(
            "branch-b,", "branch-b, receives: [branch-b],", "20:44: exchange.requestors[1].receives[0]",
            "is this requestor itself", in: ConfigurationExample.master),
        Mistake(
            "branch-b,", "branch-b, receives: none,", "20:43: exchange.requestors[1].receives", "expected a list",
            in: ConfigurationExample.master),
        Mistake(
            "branch-b,", "branch-b, offers: none,", "20:41: exchange.requestors[1].offers", "expected true or false",
            in: ConfigurationExample.master),
        Mistake(
            "branch-b,", "branch-b, organizationID: 2D1C9A52-5f0e-4c5e-9d7a-0a6a5f4f7b11,",
            "20:7: exchange.requestors[1]", "the organization ID", in: ConfigurationExample.master),
    ]

    @Test("each mistake is one problem at its place", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        try mistake.check()
    }

    @Test("a member gets everything and offers everything, unless the file says otherwise")
    func membership() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.master.with(
                "branch-b,", "branch-b, receives: [headquarters, branch-a], offers: false,")
            guard case .master(let requestors) = try folder.load(text).role else {
                Issue.record("no master")
                return
            }
            #expect(requestors.map(\.receives) == [nil, ["headquarters", "branch-a"]])
            #expect(requestors.map(\.offers) == [true, false])
        }
    }

    @Test("a role without its counterpart is told")
    func missingCounterpart() throws {
        try ConfigurationFolder.with { folder in
            let text = ConfigurationExample.master.with("role: master", "role: requestor")
            let problems = try folder.problems(text)
            #expect(problems.count == 2)
            #expect(
                problems.first?.contains("9:3: exchange: the key \"master\" is missing here") == true, "\(problems)")
            #expect(problems.last?.contains("exchange.requestors: only a master has requestors") == true)
        }
    }
}
