import Foundation
import MailTransport
import TestSupport
import Testing

@Suite("Inboxes")
struct InboxTests {
    @Test(
        "a master with a maildir and a requestor with a pipe exchange as others do, killed or not",
        .timeLimit(.minutes(10)))
    func maildirAndPipe() async throws {
        try await withExchange(people: 10) { exchange in
            let (master, a, b) = (exchange.master, exchange.a, exchange.b)
            try master.reconfigureInbox("maildir: mail")
            try a.reconfigureInbox("pipe: true")
            try await DeliveringServer.with([.maildir(master), .pipe(a)]) {
                try exchange.start()
                try await exchange.converge()
                try await waitUntil("the master has put mail away") { !master.maildirNames("cur").isEmpty }
                #expect(master.maildirNames("cur").allSatisfy { $0.hasSuffix(":2,S") })

                await master.end(signal: SIGKILL)
                await a.end(signal: SIGKILL)
                try await a.withDirectory { try await $0.addPerson("late", in: a.exportBase, title: "Late") }
                try await b.withDirectory { try await $0.addPerson("later", in: b.exportBase, title: "Later") }
                try master.start()
                try a.start()
                try await exchange.converge()
                try await waitUntil("all mail has been dealt with") { master.maildirNames("new").isEmpty }
                #expect(!master.maildirNames(".Refused/cur").contains { _ in true })
                let status = try await master.command("status", "--json").json()
                #expect((status["failures"] as? [Any])?.isEmpty == true, "\(status)")
            }
        }
    }

    @Test(
        "sync without a running service waits for the answer in each of them", .timeLimit(.minutes(10)),
        arguments: ["maildir", "pipe", "imap"])
    func synchronizeOnce(kind: String) async throws {
        try await withDovecot { dovecot in
            try await withExchange(people: 6, every: "1h") { exchange in
                let a = exchange.a
                let server: DeliveringServer
                switch kind {
                case "maildir":
                    server = try .maildir(a)
                    try a.reconfigureInbox("maildir: mail, processed: delete")
                case "pipe":
                    server = .pipe(a)
                    try a.reconfigureInbox("pipe: true")
                default:
                    server = .imap(a, dovecot)
                    try a.write(DovecotServer.password + "\n", to: "imap.secret")
                    try a.reconfigureInbox(
                        "imap: { url: \"imaps://localhost:\(dovecot.tlsPort)\", user: \(DovecotServer.user), "
                            + "passwordFile: imap.secret, caFile: \(dovecot.caFile), every: 1s }")
                }
                try await DeliveringServer.with([server]) {
                    try exchange.master.start()
                    try await waitUntil("the master listens") { exchange.master.log.contains("listening for mail") }
                    let result = try await a.command("sync", "--wait", "60", "--json")
                    #expect(result.status == 0, "\(result.errors)")
                    let imported = try await exchange.addressBook(of: exchange.master, in: a)
                    #expect(imported.count == 7)
                    #expect(try await imported == exchange.addressBook(of: exchange.master, in: exchange.master))
                    // What has been dealt with has been put away when the command ends.
                    #expect(a.maildirNames("new").isEmpty && a.maildirNames("cur").isEmpty)
                    #expect(dovecot.mails().isEmpty)
                }
            }
        }
    }

    @Test("receive tells a mail server what it can count on", .timeLimit(.minutes(10)))
    func exitStatus() async throws {
        try await withOrganization("a", people: 0) { a in
            try await a.configure(
                exchange: """
                      smtp: { url: "smtp://127.0.0.1:\(try LoopbackSocket.freePort())" }
                      master: { organization: hq, address: interorg@hq.example }
                    """, every: "1h", isSealed: false, more: "messageBytes: 64kB")
            try a.reconfigureInbox("pipe: true")
            let mail = Array("From: x@stranger.example\nSubject: Lunch?\n\nAt one?\n".utf8)

            let never = try await a.receive(mail, from: nil)
            #expect(never.status == 75 && never.errors.contains("has never run"), "\(never)")
            _ = try await a.command("sync", "--wait", "0")

            let empty = try await a.receive([], from: nil)
            #expect(empty.status == 65 && empty.errors.contains("there is no mail"), "\(empty)")
            let large = try await a.receive(mail + [UInt8](repeating: 0x61, count: 2_000_000), from: nil)
            #expect(large.status == 65 && large.errors.contains("the limit is 2000000 bytes"), "\(large)")
            let usage = try await InterOrgCommand.run(["receive"], folder: a.folder)
            #expect(usage.status == 64 && usage.errors.contains("--config"), "\(usage)")
            let missing = try await InterOrgCommand.run(["receive", "--config", "/nothing.yaml"], folder: a.folder)
            #expect(missing.status == 78 && missing.errors.contains("/nothing.yaml"), "\(missing)")

            // Strangers have so much room, and their mail is dealt with when the service runs.
            for number in 0..<32 {
                let result =
                    switch number % 3 {
                    case 0: try await a.receive(mail, from: "one@stranger.example")
                    case 1: try await a.receive(mail, from: nil, ["SENDER": "two@stranger.example"])
                    default: try await a.receive(mail, from: nil)
                    }
                #expect(result.status == 0 && result.errors.isEmpty, "\(result)")
            }
            let full = try await a.receive(mail, from: nil)
            #expect(full.status == 75 && full.errors.contains("wait to be dealt with already"), "\(full)")
            let peer = try await a.receive(Array("From: interorg@hq.example\n\nnothing\n".utf8), from: "<>")
            #expect(peer.status == 0, "\(peer)")
            try a.start()
            try await waitUntil("all are refused") { try await refused(a).map(\.count).reduce(0, +) == 33 }
            let known = try await refused(a)
            #expect(
                known.filter { $0.kind == "refused" }.map(\.sender).sorted()
                    == ["one@stranger.example", "two@stranger.example", "x@stranger.example"])
            #expect(known.filter { $0.kind == "bounce" }.map(\.sender) == [""])

            // A running service is told.
            let told = try await a.receive(mail, from: "three@stranger.example")
            #expect(told.status == 0, "\(told)")
            try await waitUntil("the service has dealt with it") {
                try await refused(a).contains { $0.sender == "three@stranger.example" }
            }
            let lines = a.log.split(separator: "\n").filter { $0.contains("mail refused") }
            #expect(lines.count < 10, "\(lines)")
        }
    }

    @Test("check says whether mail can come", .timeLimit(.minutes(10)))
    func check() async throws {
        try await withDovecot { dovecot in
            try await withOrganization("a", people: 0) { a in
                try await a.configure(
                    exchange: """
                          smtp: { url: "smtp://127.0.0.1:\(try LoopbackSocket.freePort())" }
                          master: { organization: hq, address: interorg@hq.example }
                        """, every: "1h", isSealed: false, more: "")
                try a.write("wrong\n", to: "imap.secret")
                try a.reconfigureInbox(
                    "imap: { url: \"imap://127.0.0.1:\(dovecot.port)\", user: \(DovecotServer.user), "
                        + "passwordFile: imap.secret }")
                let wrong = try await a.command("check")
                #expect(wrong.status == 2 && wrong.errors.contains("AUTHENTICATIONFAILED"), "\(wrong)")
                try a.write(DovecotServer.password + "\n", to: "imap.secret")
                let right = try await a.command("check")
                #expect(right.status == 0 && right.output.contains("mail comes by the folder INBOX"), "\(right)")
                try a.reconfigure("\(dovecot.port)", "\(try LoopbackSocket.freePort())")
                let away = try await a.command("check")
                #expect(away.status == 3 && away.errors.contains("that the server runs"), "\(away)")
            }
        }
    }

    @Test("a maildir that is missing shows in the status until it is there", .timeLimit(.minutes(10)))
    func missingMaildir() async throws {
        try await withOrganization("a", people: 0) { a in
            try await a.configure(
                exchange: """
                      smtp: { url: "smtp://127.0.0.1:\(try LoopbackSocket.freePort())" }
                      master: { organization: hq, address: interorg@hq.example }
                    """, every: "1h", isSealed: false, more: "")
            try a.reconfigureInbox("maildir: mail")
            try a.start()
            do {
                try await waitUntil("the service has started", limit: .seconds(240)) { a.log.contains("started") }
                try await waitUntil("the status says it", limit: .seconds(240)) {
                    try await failures(a).contains("\(a.folder)/mail/new")
                }
                _ = try DeliveringServer.maildir(a)
                try await waitUntil("the status says that it is there", limit: .seconds(240)) {
                    try await !failures(a).contains("mail/new")
                }
            } catch let error as TestSupportError {
                throw TestSupportError("\(error): \(try await status(a)) \(a.log)")
            }
        }
    }

    private func failures(_ organization: Organization) async throws -> String {
        let failures = try await status(organization)["failures"] as? [[String: Any]] ?? []
        return failures.compactMap { $0["failure"] as? String }.joined(separator: "\n")
    }

    private func refused(
        _ organization: Organization
    ) async throws -> [(sender: String, kind: String, count: Int)] {
        let mails = try await status(organization)["refusedMails"] as? [[String: Any]] ?? []
        return mails.map { ($0["sender"] as? String ?? "", $0["kind"] as? String ?? "", $0["count"] as? Int ?? 0) }
    }

    /// Empty until the service has a database.
    private func status(_ organization: Organization) async throws -> [String: Any] {
        let result = try await organization.command("status", "--json")
        return result.output.isEmpty ? [:] : try result.json()
    }
}
