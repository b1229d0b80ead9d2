import Foundation
import NIOCore
import Synchronization
import Testing

@testable import MailTransport

/// The listener as a client meets it that does not keep to the rules, or stops in the middle.
@Suite struct ListenerTests {
    @Test func aConversationGoesByTheBook() async throws {
        let inbox = Inbox()
        try await withListener(messageBytesMax: 5000, deliver: { inbox.store($0) }) { port async throws in
            try await withClient(port: port) { client async throws in
                #expect(try await client.reply()?.hasPrefix("220 localhost ESMTP") == true)
                #expect(try await client.ask("MAIL FROM:<>").hasPrefix("503"))
                #expect(try await client.ask("LHLO x").hasPrefix("500"))
                #expect(
                    try await client.ask("EHLO x").components(separatedBy: "\n") == [
                        "250-localhost", "250-PIPELINING", "250-8BITMIME", "250-ENHANCEDSTATUSCODES", "250 SIZE 5000",
                    ])
                #expect(try await client.ask("DATA").hasPrefix("503"))
                #expect(try await client.ask("MAIL FROM:<a b@c>").hasPrefix("553"))
                #expect(try await client.ask("MAIL FROM:<a@b.example> SIZE=5001").hasPrefix("552"))
                #expect(try await client.ask("MAIL FROM:<a@b.example> SMTPUTF8").hasPrefix("555"))
                #expect(try await client.ask("mail from:<a@b.example> SIZE=10 BODY=8BITMIME").hasPrefix("250"))
                #expect(try await client.ask("RCPT TO:<c@d.example>").hasPrefix("550"))
                #expect(try await client.ask("DATA").hasPrefix("503"))
                #expect(try await client.ask("RSET").hasPrefix("250"))
                #expect(try await client.ask("RCPT TO:<\(master)>").hasPrefix("503"))
                #expect(try await client.ask("NOOP").hasPrefix("250"))
                #expect(try await client.ask("STARTTLS").hasPrefix("500"))
                #expect(try await client.ask("MAIL FROM:<>").hasPrefix("250"))
                #expect(try await client.ask("RCPT TO:<INTERORG@Master.Example>").hasPrefix("250"))
                #expect(try await client.ask("DATA").hasPrefix("354"))
                #expect(try await client.ask("..x\r\n.").hasPrefix("250"))
                #expect(try await client.ask("QUIT").hasPrefix("221"))
                #expect(try await client.reply() == nil)
            }
        }
        #expect(inbox.mails == [ReceivedMail(sender: nil, recipient: master, bytes: Array(".x\r\n".utf8))])
    }

    @Test func commandsMayComeAllAtOnce() async throws {
        let inbox = Inbox()
        try await withListener(deliver: { inbox.store($0) }) { port async throws in
            try await withClient(port: port) { client async throws in
                let transaction = "MAIL FROM:<a@b.example>\r\nRCPT TO:<\(master)>\r\nDATA\r\nmail\r\n.\r\n"
                try await client.send("EHLO x\r\n" + transaction + transaction + "QUIT\r\n")
                try await client.endSending()
                var codes: [String] = []
                while let reply = try await client.reply() { codes.append(String(reply.prefix(3))) }
                let each = ["250", "250", "354", "250"]
                #expect(codes == ["220", "250"] + each + each + ["221"])
            }
        }
        #expect(inbox.mails.map(\.bytes) == [Array("mail\r\n".utf8), Array("mail\r\n".utf8)])
    }

    @Test func theMessageIsTheSameHoweverItIsCutIntoPieces() {
        let sent = Array("a\r\n..b\r\n.\rc\r\n\n.\nd\r\r\n..\r\n.\r\nQUIT".utf8)
        let expected = Array("a\r\n.b\r\n\rc\r\n\n.\nd\r\r\n.\r\n".utf8)
        for pieceBytes in 1...sent.count {
            var decoder = MessageDataDecoder(messageBytesMax: 100, lineBytesMax: 100, expectedBytes: nil)
            var rest = sent[...]
            var outcome = MessageDataDecoder.Outcome.unfinished
            while outcome == .unfinished, !rest.isEmpty {
                let taken: Int
                (taken, outcome) = Array(rest.prefix(pieceBytes)).withUnsafeBytes { decoder.take($0) }
                rest = rest.dropFirst(taken)
            }
            #expect(outcome == .complete)
            #expect(decoder.message == expected)
            #expect(Array(rest) == Array("QUIT".utf8))
        }
    }

    @Test func onlyCRLFEndsAMessage() async throws {
        let inbox = Inbox()
        try await withListener(deliver: { inbox.store($0) }) { port async throws in
            try await withClient(port: port) { client async throws in
                try await client.announce()
                let smuggled = "one\n.\nMAIL FROM:<evil@x.example>\n.\r\nRCPT TO:<x>\r.\r\r\n.\r\n"
                try await client.send(smuggled)
                #expect(try await client.reply()?.hasPrefix("250") == true)
                #expect(try await client.ask("QUIT").hasPrefix("221"))
            }
        }
        #expect(inbox.mails.count == 1)
        #expect(inbox.mails.first?.sender == branch)
    }

    @Test(arguments: [true, false])
    func aConnectionThatEndsInTheMiddleOfDataDeliversNothing(isHalfClosed: Bool) async throws {
        let inbox = Inbox()
        try await withListener(adjust: { $0.connectionsMax = 1 }, deliver: { inbox.store($0) }) { port async throws in
            try await withClient(port: port) { client async throws in
                try await client.announce()
                try await client.send("Subject: x\r\n\r\nhalf of it\r\n.")
                guard isHalfClosed else { return }
                try await client.endSending()
                #expect(try await client.reply() == nil)
            }
            // The only place is free again when the listener has seen the end of the first connection.
            try await waitForFreePlace(port: port)
        }
        #expect(inbox.mails.isEmpty)
    }

    @Test func lmtpRepliesForEachRecipient() async throws {
        let inbox = Inbox()
        let others = [makeAddress("full@master.example"), makeAddress("closed@master.example")]
        try await withListener(
            .lmtp, recipients: Set(others + [master]), messageBytesMax: 100,
            deliver: { mail in
                if mail.recipient == others[0] { throw CancellationError() }
                if mail.recipient == others[1] { throw MailRefusal(reason: "gone") }
                inbox.store(mail)
            }
        ) { port async throws in
            try await withClient(port: port) { client async throws in
                #expect(try await client.reply()?.hasPrefix("220 localhost LMTP") == true)
                #expect(try await client.ask("EHLO x").hasPrefix("500"))
                #expect(try await client.ask("LHLO x").hasPrefix("250"))
                for text in ["mail", String(repeating: "x", count: 100)] {
                    #expect(try await client.ask("MAIL FROM:<\(branch)>").hasPrefix("250"))
                    #expect(try await client.ask("RCPT TO:<\(others[0])>").hasPrefix("250"))
                    #expect(try await client.ask("RCPT TO:<nobody@master.example>").hasPrefix("550"))
                    #expect(try await client.ask("RCPT TO:<\(master)>").hasPrefix("250"))
                    #expect(try await client.ask("RCPT TO:<\(others[1])>").hasPrefix("250"))
                    #expect(try await client.ask("RCPT TO:<\(master.text.uppercased())>").hasPrefix("250"))
                    #expect(try await client.ask("DATA").hasPrefix("354"))
                    try await client.send("\(text)\r\n.\r\n")
                    let expected = text == "mail" ? ["451", "250", "554", "250"] : ["552", "552", "552", "552"]
                    for code in expected { #expect(try await client.reply()?.hasPrefix(code) == true) }
                }
                #expect(try await client.ask("QUIT").hasPrefix("221"))
            }
        }
        #expect(inbox.mails.map(\.recipient) == [master])
    }

    @Test func anOversizedMessageIsReadToItsEndAndRefused() async throws {
        let inbox = Inbox()
        try await withListener(messageBytesMax: 10_000, deliver: { inbox.store($0) }) { port async throws in
            try await withClient(port: port) { client async throws in
                try await client.announce()
                let line = String(repeating: "x", count: 98) + "\r\n"
                try await client.send(String(repeating: line, count: 101) + ".\r\n")
                #expect(try await client.reply()?.hasPrefix("552") == true)
                #expect(try await client.ask("MAIL FROM:<\(branch)>").hasPrefix("250"))
                #expect(try await client.ask("RCPT TO:<\(master)>").hasPrefix("250"))
                #expect(try await client.ask("DATA").hasPrefix("354"))
                #expect(try await client.ask(String(repeating: line, count: 100) + ".").hasPrefix("250"))
            }
        }
        #expect(inbox.mails.map(\.bytes.count) == [10_000])
    }

    @Test func linesThatAreTooLongAreRefused() async throws {
        try await withListener(
            adjust: {
                $0.textLineBytesMax = 1000
                $0.commandLineBytesMax = 600
            }, deliver: { _ in }
        ) { port async throws in
            try await withClient(port: port) { client async throws in
                try await client.announce()
                #expect(try await client.ask(String(repeating: "x", count: 1001) + "\r\n.").hasPrefix("554"))
                #expect(try await client.ask("NOOP " + String(repeating: "x", count: 500)).hasPrefix("250"))
                #expect(try await client.ask(String(repeating: "x", count: 700)).hasPrefix("500"))
                #expect(try await client.reply() == nil)
            }
        }
    }

    @Test func aConnectionTooManyIsSentAway() async throws {
        try await withListener(adjust: { $0.connectionsMax = 1 }, deliver: { _ in }) { port async throws in
            try await withClient(port: port) { first async throws in
                #expect(try await first.reply()?.hasPrefix("220") == true)
                try await withClient(port: port) { second async throws in
                    #expect(try await second.reply()?.hasPrefix("421") == true)
                    #expect(try await second.reply() == nil)
                }
            }
            try await waitForFreePlace(port: port)
        }
    }

    @Test func aSilentConnectionIsClosedButNotDuringADelivery() async throws {
        let inbox = Inbox()
        try await withListener(
            adjust: { $0.idleTimeoutSeconds = 15 },
            deliver: { mail in
                // Another connection falls silent after this delivery has begun: when it has been closed, so would be
                // the one that is waiting here.
                try await withClient(port: Int(String(decoding: mail.bytes.dropLast(2), as: UTF8.self)) ?? 0) {
                    client async throws in
                    _ = try await client.reply()
                    #expect(try await client.reply()?.hasPrefix("421 4.4.2") == true)
                    #expect(try await client.reply() == nil)
                }
                inbox.store(mail)
            }
        ) { port async throws in
            try await withClient(port: port) { client async throws in
                try await client.announce()
                #expect(try await client.ask("\(port)\r\n.").hasPrefix("250"))
                #expect(try await client.reply()?.hasPrefix("421 4.4.2") == true)
            }
        }
        #expect(inbox.mails.count == 1)
    }

    @Test func shuttingDownFinishesADeliveryAndAnswers() async throws {
        let (begun, hasBegun) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        let inbox = Inbox()
        let (idle, isIdle) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: String?.self) { clients in
            try await withListener(deliver: { mail in
                hasBegun.yield()
                for await _ in released { break }
                try Task.checkCancellation()
                inbox.store(mail)
            }) { port in
                clients.addTask {
                    try await withClient(port: port) { client async throws in
                        try await client.announce()
                        return try await client.ask("mail\r\n.")
                    }
                }
                clients.addTask {
                    try await withClient(port: port) { client async throws in
                        _ = try await client.reply()
                        isIdle.yield()
                        // Shutdown is told to the idle one; only then may the other delivery go on.
                        #expect(try await client.reply()?.hasPrefix("421 4.3.2") == true)
                        release.yield()
                        return nil
                    }
                }
                for await _ in begun { break }
                for await _ in idle { break }
            }
            // The listener has returned: the mail is stored.
            #expect(inbox.mails.count == 1)
            let answers = try await clients.reduce(into: []) { $0.append($1) }
            #expect(answers.compactMap(\.self).map { $0.hasPrefix("250") } == [true])
        }
    }

    @Test func aPortThatIsTakenIsAClearError() async throws {
        let error = try await withListener(deliver: { _ in }) { port async throws in
            await #expect(throws: MailListenerError.self) {
                try await withListener(adjust: { $0.port = port }, deliver: { _ in }, body: { _ in })
            }
        }
        #expect(error?.description.contains("127.0.0.1:") == true)
    }

    /// Connects until the listener has a place.
    private func waitForFreePlace(port: Int) async throws {
        while true {
            let greeting = try await withClient(port: port) { client in try await client.reply() }
            if greeting?.hasPrefix("220") == true { return }
        }
    }
}
