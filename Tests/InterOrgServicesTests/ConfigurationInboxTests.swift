import Testing

@testable import InterOrgServices

@Suite("The inbox section")
struct ConfigurationInboxTests {
    static let imap = """
        { imap: { url: "imaps://mail.a.example", user: interorg, passwordFile: ldap.secret, caFile: ca.pem, \
        folder: InterOrg, every: 5m, processed: Done, refused: Spam } }
        """
    static let maildir = "{ maildir: mail, processed: delete }"
    static let listener = """
        { smtp: "mail.a.example:25", tls: { certificate: ca.pem, key: ldap.secret }, requireTLS: false, \
        insecure: false }
        """

    private static func mistake(_ inbox: String, _ place: String, _ message: String) -> Mistake {
        Mistake("{ lmtp: \"127.0.0.1:2424\" }", inbox, place, message)
    }

    static let mistakes: [Mistake] = [
        mistake("{ smtp: \"10.1.2.3:25\" }", "28:18: exchange.inbox.smtp", "would come in the clear"),
        mistake("{ lmtp: \"mail.example:24\" }", "28:18: exchange.inbox.lmtp", "or insecure: true to accept that"),
        mistake(
            "{ smtp: \"127.0.0.1:25\", requireTLS: true }", "28:46: exchange.inbox.requireTLS",
            "TLS needs a certificate"),
        mistake(
            "{ smtp: \"127.0.0.1:25\", tls: { certificate: ca.pem } }", "28:39: exchange.inbox.tls",
            "\"key\" is missing"),
        mistake(
            "{ smtp: \"127.0.0.1:25\", tls: { certificate: nothing.pem, key: ldap.secret } }",
            "28:54: exchange.inbox.tls.certificate", "cannot be read"),
        mistake(
            "{ smtp: \"127.0.0.1:25\", tls: { certificate: ca.pem, key: ca.pem } }",
            "28:67: exchange.inbox.tls.key", "open to everybody"),
        mistake(
            "{ maildir: mail, tls: { certificate: ca.pem, key: ldap.secret } }", "28:32: exchange.inbox.tls",
            "this goes with \"lmtp\" or \"smtp\", not with \"maildir\""),
        mistake(
            "{ pipe: true, processed: delete }", "28:35: exchange.inbox.processed", "this goes with \"maildir\""),
        mistake(
            "{ maildir: mail, processed: never }", "28:38: exchange.inbox.processed",
            "expected keep, delete, a duration"),
        mistake("{ maildir: ldap.secret }", "28:21: exchange.inbox.maildir", "is not a folder"),
        mistake("{ pipe: false }", "28:18: exchange.inbox.pipe", "says nothing about how mail comes"),
        mistake("{ pipe: 1 }", "28:18: exchange.inbox.pipe", "true or false"),
        mistake("{ maildir: mail, pipe: true }", "28:10: exchange.inbox", "exactly one of the keys"),
        mistake("{ processed: keep }", "28:10: exchange.inbox", "found none"),
        mistake(
            "{ imap: { url: \"pop3://mail.example\", user: a, passwordFile: ldap.secret } }",
            "28:25: exchange.inbox.imap.url", "the scheme \"pop3\" is not known"),
        mistake(
            "{ imap: { url: \"imaps://a:b@mail.example\", user: a, passwordFile: ldap.secret } }",
            "28:25: exchange.inbox.imap.url", "user and password do not belong into a URL"),
        mistake(
            "{ imap: { url: \"imaps://mail.example\", user: a } }", "28:18: exchange.inbox.imap",
            "a password is missing here"),
        mistake(
            "{ imap: { url: \"imaps://mail.example\", passwordFile: ldap.secret } }", "28:18: exchange.inbox.imap",
            "\"user\" is missing"),
        mistake(
            "{ imap: { url: \"imaps://mail.example\", user: a, passwordFile: ldap.secret, folder: \"a*\" } }",
            "28:93: exchange.inbox.imap.folder", "is not the name of a folder"),
        mistake(
            "{ imap: { url: \"imaps://mail.example\", user: a, passwordFile: ldap.secret, processed: INBOX } }",
            "28:96: exchange.inbox.imap.processed", "is the folder that mail is taken from"),
        mistake(
            "{ imap: { url: \"imaps://mail.example\", user: a, passwordFile: ldap.secret, every: 0s } }",
            "28:92: exchange.inbox.imap.every", "is out of range"),
    ]

    @Test("says each mistake at its place", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        try mistake.check()
    }

    private func inbox(_ text: String) throws -> (Configuration.Inbox, folder: String) {
        try ConfigurationFolder.with { folder in
            let configuration = try folder.load(
                ConfigurationExample.requestor.with("{ lmtp: \"127.0.0.1:2424\" }", text))
            return (configuration.exchange.inbox, folder.path)
        }
    }

    @Test("gives a listener its TLS; off the loopback interface it is required unless the file says otherwise")
    func listener() throws {
        let certificate = "certificate: ca.pem, key: ldap.secret"
        for (text, isRequired) in [
            ("smtp: \"mail.a.example:25\", tls: { \(certificate) }", true),
            ("smtp: \"mail.a.example:25\", tls: { \(certificate) }, requireTLS: false", false),
            ("smtp: \"mail.a.example:25\", tls: { \(certificate) }, insecure: true", false),
            ("smtp: \"[::1]:25\", tls: { \(certificate) }", false),
            ("smtp: \"[::1]:25\", tls: { \(certificate) }, requireTLS: true", true),
        ] {
            let (inbox, folder) = try inbox("{ \(text) }")
            guard case .listener(let listener) = inbox else {
                Issue.record("\(inbox)")
                continue
            }
            #expect(listener.requiresTLS == isRequired, "\(text)")
            #expect(listener.tls == .init(file: folder + "/ca.pem", keyFile: folder + "/ldap.secret"))
        }
        guard case .listener(let plain) = try inbox("{ lmtp: \"10.1.2.3:24\", insecure: true }").0 else {
            Issue.record("no listener")
            return
        }
        #expect(plain.tls == nil && !plain.requiresTLS)
    }

    @Test("gives a maildir what becomes of its mail")
    func maildir() throws {
        for (text, processed) in [
            ("", Configuration.MaildirInbox.Processed.keep(.seconds(604_800))), (", processed: delete", .delete),
            (", processed: keep", .keep(nil)), (", processed: 2h", .keep(.seconds(7_200))),
        ] {
            let (inbox, folder) = try inbox("{ maildir: mail\(text) }")
            #expect(inbox == .maildir(.init(path: folder + "/mail", processed: processed)))
        }
        #expect(try inbox("{ pipe: true }").0 == .pipe)
    }

    @Test("gives an IMAP account its protection and folders")
    func imap() throws {
        let credentials = Configuration.Credentials(
            user: "interorg", password: Secret(ConfigurationFolder.directoryPassword))
        let (full, folder) = try inbox(Self.imap)
        #expect(
            full
                == .imap(
                    .init(
                        host: "mail.a.example", port: 993, transportSecurity: .tls, credentials: credentials,
                        caFile: folder + "/ca.pem", folder: "InterOrg", every: .seconds(300), processedFolder: "Done",
                        refusedFolder: "Spam")))
        for (host, security) in [
            ("mail.a.example", Configuration.TransportSecurity.startTLS), ("127.0.0.1", .plaintext),
        ] {
            let text = "{ imap: { url: \"imap://\(host)\", user: interorg, passwordFile: ldap.secret } }"
            #expect(
                try inbox(text).0
                    == .imap(
                        .init(
                            host: host, port: 143, transportSecurity: security, credentials: credentials, caFile: nil,
                            folder: "INBOX", every: .seconds(60), processedFolder: nil, refusedFolder: "Refused")))
        }
    }
}
