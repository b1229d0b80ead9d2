import Foundation
import LDAPClient
import MailTransport
import TestSupport
import Testing

@Suite(
    "Organizations with a postfix each", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: PostfixServer.unavailable == nil, "postfix cannot be started here: it takes root, and postfix itself"))
struct PostfixExchangeTests {
    @Test("converge, and their mail says what it is, whom it answers and where bounces go")
    func converges() async throws {
        try await withPostfixExchange(
            people: 20,
            adjust: { organization, postfix in
                guard organization.name == "hq" else { return }
                postfix.archive = "archive@hq.example"
                postfix.destinations["archive@hq.example"] = .maildir("archive")
            }
        ) { exchange, servers in
            try exchange.start()
            try await exchange.converge()
            try await exchange.b.withDirectory { connection in
                try await connection.addPerson("late", in: exchange.b.exportBase, title: "Late")
            }
            try await exchange.converge()

            let mails = try #require(servers["hq"]).mails(inMaildir: "archive").map {
                String(decoding: $0, as: UTF8.self)
            }
            let requests = mails.filter { $0.contains("\nTo: \(exchange.master.address)") }
            let replies = mails.filter { $0.contains("\nFrom: \(exchange.master.address)") }
            #expect(!requests.isEmpty && !replies.isEmpty)
            #expect(requests.allSatisfy { $0.contains("\nAuto-Submitted: auto-generated") })
            #expect(replies.allSatisfy { $0.contains("\nAuto-Submitted: auto-replied") })
            #expect(replies.allSatisfy { $0.hasPrefix("Return-Path: <\(exchange.master.address)>") })
            let identities = Set(requests.compactMap { field("Message-ID", of: $0) })
            for reply in replies {
                let answered = try #require(field("In-Reply-To", of: reply))
                #expect(identities.contains(answered))
                #expect(field("References", of: reply) == answered)
            }
        }
    }

    private func field(_ name: String, of mail: String) -> String? {
        mail.split(separator: "\n").first { $0.hasPrefix("\(name): ") }
            .map { $0.dropFirst(name.count + 2).trimmingCharacters(in: .whitespaces) }
    }

    @Test("converge through servers that put mail off", arguments: ["deferring", "greylisting"])
    func deferred(kind: String) async throws {
        let rule: MailPolicy.Rule = kind == "deferring" ? .deferring(attempts: 8) : .greylisting(seconds: 3)
        try await MailPolicy.with(rule) { policy in
            try await withPostfixExchange(people: 6, adjust: { $1.policyPort = policy.port }) { exchange, _ in
                try exchange.start()
                try await exchange.converge()
                #expect(policy.deferredCount >= 6)
            }
        }
    }

    @Test("are told by the status that a mail is too large, and converge with a smaller messageBytes")
    func largeMail() async throws {
        let limit = { (_: Organization, postfix: inout PostfixConfiguration) in postfix.messageBytesMax = 1_000_000 }
        try await withPostfixExchange(people: 2, configuration: "messageBytes: 4MB", adjust: limit) { exchange, _ in
            try await addLargeEntries(1_600, to: exchange.a)
            try exchange.start()
            try await waitUntil("the status says it") {
                let failure = try await exchange.a.command("status", "--json").mail(to: exchange.master)["failure"]
                let text = (failure as? [String: Any])?["error"] as? String ?? ""
                return text.contains("at most 1000000 bytes: set messageBytes")
            }
            #expect(try await exchange.a.command("status").status == 1)
            for organization in exchange.organizations {
                await organization.end(signal: SIGTERM)
                try organization.reconfigure("messageBytes: 4MB", "messageBytes: 1MB")
            }
            try exchange.start()
            try await exchange.converge(limit: .seconds(120))
            let status = try await exchange.a.command("status", "--json").mail(to: exchange.master)
            #expect(status["failure"] == nil && status["lastSubmitted"] != nil)
        }
    }

    /// People with a kilobyte each that can hardly be compressed.
    private func addLargeEntries(_ count: Int, to organization: Organization) async throws {
        var random = SeededGenerator(seed: 4)
        try await organization.withDirectory { connection in
            for number in 0..<count {
                let noise = Data((0..<768).map { _ in UInt8.random(in: 0...255, using: &random) })
                try await connection.add(
                    dn: "uid=large\(number),\(organization.exportBase)",
                    attributes: [
                        LDAPAttribute("objectClass", "inetOrgPerson"), LDAPAttribute("uid", "large\(number)"),
                        LDAPAttribute("cn", "Large"), LDAPAttribute("sn", "Large"),
                        LDAPAttribute("street", noise.base64EncodedString()),
                    ])
            }
        }
    }

    @Test("are told by the status that mail came back, until it arrives again")
    func bounced() async throws {
        try await withPostfixExchange(people: 4) { exchange, servers in
            let server = try #require(servers["a"])
            try await server.restart { $0.destinations[exchange.a.address] = .bounce("5.1.1 moved away") }
            try exchange.start()
            var notice: [String: Any] = [:]
            try await waitUntil("the status says it") {
                let status = try await exchange.master.command("status", "--json").mail(to: exchange.a)
                notice = status["notice"] as? [String: Any] ?? [:]
                return !notice.isEmpty
            }
            #expect(notice["isFailure"] as? Bool == true && notice["status"] as? String == "5.1.1")
            #expect((notice["diagnostic"] as? String)?.contains("moved away") == true)
            #expect(notice["recipient"] as? String == exchange.a.address)
            let table = try await exchange.master.command("status")
            #expect(table.status == 1 && table.output.contains("came back"), "\(table)")

            try await server.restart { $0.destinations[exchange.a.address] = .lmtp(port: exchange.a.mailPort) }
            try await exchange.converge()
            try await waitUntil("the notice is gone") {
                try await exchange.master.command("status", "--json").mail(to: exchange.a)["notice"] == nil
            }
        }
    }

    @Test("are told by the status that mail is refused, and sync tries again at once")
    func refused() async throws {
        try await withPostfixExchange(people: 4) { exchange, servers in
            let server = try #require(servers["a"])
            try await server.restart { $0.refusedRecipients[exchange.master.address] = "550 5.7.1 not from you" }
            try exchange.start()
            try await waitUntil("the status says it") {
                let status = try await exchange.a.command("status", "--json").mail(to: exchange.master)
                let failure = status["failure"] as? [String: Any]
                return failure?["isPermanent"] as? Bool == true
                    && (failure?["error"] as? String)?.contains("not from you") == true
                    && status["nextAttempt"] != nil
            }
            try await server.restart { $0.refusedRecipients = [:] }
            _ = try await exchange.a.command("sync")
            try await exchange.converge()
            #expect(try await exchange.a.command("status", "--json").mail(to: exchange.master)["failure"] == nil)
        }
    }

    @Test("converge however their mail servers are killed")
    func killedServers() async throws {
        try await withPostfixExchange(people: 10, configuration: "guard: { percent: 100 }") { exchange, servers in
            var random = SeededGenerator(seed: 20_261_121)
            var changes = RandomChanges()
            try exchange.start()
            for round in 0..<6 {
                try await changes.make(in: exchange.organizations, &random)
                let victim = try #require(servers[exchange.organizations[round % 3].name])
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<900, using: &random)))
                await victim.kill9()
                try await changes.make(in: exchange.organizations, &random)
                try await victim.start()
            }
            try await exchange.converge()
        }
    }

    @Test("converge through gateways that change every mail", arguments: PostfixConfiguration.Gateway.allCases)
    func gateways(_ gateway: PostfixConfiguration.Gateway) async throws {
        try await withPostfixExchange(people: 10, adjust: { $1.gateway = gateway }) { exchange, _ in
            try exchange.start()
            try await exchange.converge()
        }
    }
}
