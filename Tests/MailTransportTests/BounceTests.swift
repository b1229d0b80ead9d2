import Foundation
import Testing

@testable import MailTransport

/// Notices as different mail systems write them.
@Suite struct BounceTests {
    private func bounce(_ mail: String, from sender: MailAddress? = nil) throws -> MailBounce {
        let bytes = Array(mail.replacingOccurrences(of: "\n", with: "\r\n").utf8)
        let reading = try MailReading(bytes, envelopeSender: sender, contentTypes: envelope.acceptedContentTypes)
        guard case .bounce(let bounce) = reading else { throw UnexpectedReading(reading: reading) }
        return bounce
    }

    private func reading(_ header: String, from sender: MailAddress? = branch) throws -> MailReading {
        let mail = Array("\(header)\n\nI am away.\n".replacingOccurrences(of: "\n", with: "\r\n").utf8)
        return try MailReading(mail, envelopeSender: sender, contentTypes: envelope.acceptedContentTypes)
    }

    /// What is left of our mail in a bounce.
    private let original = String(
        decoding: try! makeMail(payload: makePayload(bytes: 300)), as: UTF8.self
    ).replacingOccurrences(of: "\r\n", with: "\n")

    @Test func postfixDelay() throws {
        let bounce = try bounce(
            """
            From: MAILER-DAEMON@mail.branch.example (Mail Delivery System)
            Subject: Delayed Mail (still being retried)
            To: interorg@branch.example
            Auto-Submitted: auto-replied
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status;
            \tboundary="4F1.1795226707/mail.branch.example"

            --4F1.1795226707/mail.branch.example
            Content-Description: Notification
            Content-Type: text/plain; charset=us-ascii

            THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE.

            --4F1.1795226707/mail.branch.example
            Content-Description: Delivery report
            Content-Type: message/delivery-status

            Reporting-MTA: dns; mail.branch.example
            X-Postfix-Queue-ID: 4F1
            X-Postfix-Sender: rfc822; interorg@branch.example
            Arrival-Date: Sat, 21 Nov 2026 19:46:28 +0000 (UTC)

            Final-Recipient: rfc822; interorg@master.example
            Original-Recipient: rfc822;interorg@master.example
            Action: delayed
            Status: 4.4.1
            Diagnostic-Code: X-Postfix; connect to mail.master.example[192.0.2.1]:25:
                Connection timed out
            Will-Retry-Until: Thu, 26 Nov 2026 19:46:28 +0000 (UTC)

            --4F1.1795226707/mail.branch.example
            Content-Description: Undelivered Message Headers
            Content-Type: text/rfc822-headers

            From: interorg@branch.example
            Message-ID: <request.17@branch.example>

            --4F1.1795226707/mail.branch.example--
            """)
        #expect(bounce.action == .delayed && bounce.status == "4.4.1" && bounce.recipient == "interorg@master.example")
        #expect(
            bounce.diagnostic == "connect to mail.master.example[192.0.2.1]:25: Connection timed out"
                && bounce.originalMessageID?.text == "<request.17@branch.example>")
    }

    /// Exchange gives no copy where it was told not to, and names the mail in the fields of its own.
    @Test func exchange() throws {
        let bounce = try bounce(
            """
            From: <postmaster@master.example>
            To: <interorg@branch.example>
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status;
            \tboundary="_000_1"
            Content-Language: en-US
            In-Reply-To: <request.17@branch.example>
            References: <request.17@branch.example>
            Subject: Undeliverable: InterOrg Sync
            Auto-Submitted: auto-replied

            --_000_1
            Content-Type: multipart/alternative; differences=Content-Type; boundary="_000_2"

            --_000_2
            Content-Type: text/plain; charset="us-ascii"
            Content-Transfer-Encoding: quoted-printable

            Delivery has failed to these recipients or groups:

            --_000_2--

            --_000_1
            Content-Type: message/delivery-status

            Reporting-MTA: dns;EX01.master.example
            Received-From-MTA: dns;relay.master.example
            Arrival-Date: Sat, 21 Nov 2026 19:46:28 +0000

            Original-Recipient: rfc822;interorg@master.example
            Final-Recipient: rfc822;sync.alias@internal.master.example
            Action: failed
            Status: 5.1.10
            Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not
             found by SMTP address lookup

            --_000_1--
            """)
        #expect(bounce.action == .failed && bounce.status == "5.1.10")
        #expect(bounce.recipient == "sync.alias@internal.master.example")
        #expect(bounce.addresses.first == "interorg@master.example")
        #expect(bounce.diagnostic?.contains("RecipientNotFound; Recipient not found") == true)
        #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
    }

    @Test func exim() throws {
        let bounce = try bounce(
            """
            From: Mail Delivery System <Mailer-Daemon@relay.example>
            X-Failed-Recipients: interorg@master.example
            Auto-Submitted: auto-replied
            To: interorg@branch.example
            Subject: Mail delivery failed: returning message to sender

            This message was created automatically by mail delivery software.

            A message that you sent could not be delivered to one or more of its
            recipients. This is a permanent error. The following address(es) failed:

              interorg@master.example
                SMTP error from remote mail server after RCPT TO:<interorg@master.example>:
                host mail.master.example [192.0.2.1]: 550 5.1.1 <interorg@master.example>: User unknown

            ------ This is a copy of the message, including all the headers. ------

            Return-path: <interorg@branch.example>
            Received: from branch.example ([192.0.2.7])
            \tby relay.example with esmtp (Exim 4.80)
            \(original)
            """)
        #expect(bounce.addresses == ["interorg@master.example"])
        #expect(bounce.status == "5.1.1" && bounce.diagnostic?.contains("550 5.1.1") == true)
        #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
        #expect(bounce.reason.contains("User unknown"))
    }

    @Test func eximDelay() throws {
        let bounce = try bounce(
            """
            From: Mail Delivery System <Mailer-Daemon@relay.example>
            Auto-Submitted: auto-replied
            Subject: Warning: message 1abc delayed 24 hours

            The message identifier is:     1abc
            The address to which the message has not yet been delivered is:

              interorg@master.example
                Delay reason: Connection timed out
            """)
        #expect(bounce.action == .delayed && bounce.addresses == ["interorg@master.example"])
        #expect(bounce.diagnostic == "Delay reason: Connection timed out" && bounce.originalMessageID == nil)
    }

    @Test func qmail() throws {
        let bounce = try bounce(
            """
            From: MAILER-DAEMON@relay.example
            To: interorg@branch.example
            Subject: failure notice

            Hi. This is the qmail-send program at relay.example.
            I'm afraid I wasn't able to deliver your message to the following addresses.
            This is a permanent error; I've given up. Sorry it didn't work out.

            <interorg@master.example>:
            192.0.2.1 does not like recipient.
            Remote host said: 554 5.7.1 <interorg@master.example>: Relay access denied
            Giving up on 192.0.2.1.

            --- Below this line is a copy of the message.

            Return-Path: <interorg@branch.example>
            Received: (qmail 4711 invoked from network); 21 Nov 2026 19:46:28 -0000
            \(original.replacingOccurrences(of: "Message-ID: ", with: "Message-Id:\n "))
            """)
        #expect(bounce.addresses == ["interorg@master.example"] && bounce.status == "5.7.1")
        #expect(bounce.diagnostic == "Remote host said: 554 5.7.1 <interorg@master.example>: Relay access denied")
        #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
    }

    /// A notice in parts without the form, with our mail attached.
    @Test func attached() throws {
        let bounce = try bounce(
            """
            From: MAILER-DAEMON@relay.example
            Subject: Returned mail
            Content-Type: multipart/mixed; boundary=x

            --x

            Mailbox full.
            --x
            Content-Type: message/rfc822

            \(original)
            --x--
            """, from: branch)
        #expect(bounce.originalMessageID?.text == "<request.17@branch.example>")
        #expect(bounce.reason.contains("Returned mail"))
    }

    @Test func nothingUsefulIsABounceStill() throws {
        let bounce = try bounce("Subject: =?utf-8?q?R=C3=BCckl=C3=A4ufer_hier?=\n\n\n")
        #expect(bounce.addresses.isEmpty && bounce.originalMessageID == nil && bounce.status == nil)
        #expect(bounce.reason.contains("Rückläufer hier"))
    }

    @Test(arguments: [
        "Auto-Submitted: auto-generated", "Auto-Submitted: auto-replied (vacation)", "X-Autoreply: yes",
        "X-Autorespond: away", "Precedence: auto_reply", "Precedence: bulk\nIn-Reply-To: <a@b.example>",
        "Auto-Submitted: auto-replied\nPrecedence: bulk\nList-Id: <x.example>",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
    ])
    func automaticReplies(field: String) throws {
        for sender in [branch, nil] {
            let reading = try reading("From: Ann <ann@b.example>\nSubject: Away\n\(field)", from: sender)
            guard case .automaticReply(let reason) = reading else { throw UnexpectedReading(reading: reading) }
            #expect(reason.contains("Away"))
        }
    }

    @Test(arguments: [
        "List-Id: Talk <talk.example>", "List-Unsubscribe: <mailto:x@y.example>", "Precedence: list",
        "Precedence: bulk",
    ])
    func listMail(field: String) throws {
        let reading = try reading("From: Ann <ann@b.example>\nAuto-Submitted: no\nSubject: News\n\(field)")
        guard case .listMail(let reason) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(reason.contains("News"))
    }

    @Test func aReportOfAnotherKindIsUnrelated() throws {
        let reading = try reading(
            "From: abuse@b.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=x")
        guard case .unrelated(let reason) = reading else { throw UnexpectedReading(reading: reading) }
        #expect(reason.contains("feedback-report"))
    }

    /// What anybody may send must not cost more than it is worth.
    @Test func aHugeTextIsReadInABoundedWay() throws {
        let text = String(repeating: "<a@b.example> 550 x\n", count: 200_000)
        let bounce = try bounce("From: mailer-daemon@x.example\nSubject: x\n\n" + text)
        #expect(bounce.addresses == ["a@b.example"])
    }
}
