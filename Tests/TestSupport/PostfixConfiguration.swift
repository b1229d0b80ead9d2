import Foundation

/// What a private postfix is to be like.
public struct PostfixConfiguration: Sendable {
    /// Where mail for an address goes.
    public enum Destination: Sendable {
        /// A server that is spoken LMTP to on 127.0.0.1 (RFC 2033).
        case lmtp(port: UInt16)
        /// A server that is spoken SMTP to on 127.0.0.1.
        case smtp(port: UInt16)
        /// A Maildir in the server's folder: `maildir/<name>/`.
        case maildir(String)
        /// It is taken, and comes back with this reason to its envelope sender.
        case bounce(String)
    }

    /// What happens to the body of every mail on its way.
    public enum Gateway: String, Sendable, CaseIterable {
        /// Encoded anew in quoted-printable, header fields added and folded elsewhere.
        case quotedPrintable = "quoted-printable"
        /// Base64 in lines of another length, with blanks at their ends.
        case rewrap
        /// Wrapped in a `multipart/mixed` with a footer, as mailing lists and scanners do.
        case footer
    }

    /// A port for mail from users, which demands TLS and a login.
    public struct Submission: Sendable {
        /// STARTTLS.
        public var port: UInt16
        /// TLS from the first byte.
        public var tlsPort: UInt16
        public var user: String
        public var password: String

        public init(user: String, password: String) throws {
            port = try LoopbackSocket.freePort()
            tlsPort = try LoopbackSocket.freePort()
            self.user = user
            self.password = password
        }
    }

    /// Where it takes mail from anybody on this machine.
    public let port: UInt16
    /// The domain that it is the mail server of.
    public var domain: String
    /// By address or by domain. Mail for anything else comes back.
    public var destinations: [String: Destination] = [:]
    /// The size of a mail that it takes, in bytes.
    public var messageBytesMax = 10_240_000
    /// Recipients that are refused at once, with the reply.
    public var refusedRecipients: [String: String] = [:]
    /// A server that is asked about every recipient.
    public var policyPort: UInt16?
    /// After how many seconds a mail that waits is said to be late; nil: never.
    public var delayNoticeSeconds: Int?
    public var submission: Submission?
    /// An address that gets a copy of every mail.
    public var archive: String?
    public var gateway: Gateway?
    /// Where mail is handed in that has been through the gateway.
    let returnPort: UInt16

    /// A server that is the mail server of a domain and takes mails up to 10 MB.
    public init(domain: String) throws {
        self.domain = domain
        port = try LoopbackSocket.freePort()
        returnPort = try LoopbackSocket.freePort()
    }

    /// The servers of domains that reach each other.
    public mutating func add(routeTo other: PostfixConfiguration) {
        destinations[other.domain] = .smtp(port: other.port)
    }
}

extension PostfixConfiguration {
    /// Writes the files of a configuration folder.
    func write(folder: String) throws {
        func save(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(folder)/etc/\(name)", atomically: true, encoding: .utf8)
        }
        try save(main(folder: folder), "main.cf")
        try save(services(folder: folder), "master.cf")
        try save(transports, "transport")
        try save(maildirs, "maildirs")
        // A copy: the user that runs it need not be able to read this folder.
        let gateway = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "gateway.py").path
        try save(String(contentsOfFile: gateway, encoding: .utf8), "gateway.py")
        try save(refusedRecipients.map { "\($0) \($1)\n" }.sorted().joined(), "refused")
        // Kerberos among them, as a server has it that people log in to in more than one way.
        try save(
            """
            pwcheck_method: auxprop
            auxprop_plugin: sasldb
            sasldb_path: \(folder)/sasldb2
            mech_list: GSSAPI CRAM-MD5 PLAIN LOGIN

            """, "sasl/smtpd.conf")
    }

    private func main(folder: String) -> String {
        let policy = policyPort.map { "check_policy_service inet:127.0.0.1:\($0), " } ?? ""
        return """
            compatibility_level = 3.6
            queue_directory = \(folder)/queue
            data_directory = \(folder)/data
            maillog_file = \(folder)/postfix.log
            maillog_file_prefixes = /tmp
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            disable_dns_lookups = yes
            smtp_host_lookup = native
            myhostname = mail.\(domain)
            mydomain = \(domain)
            mydestination =
            mynetworks = 127.0.0.0/8
            alias_maps =
            alias_database =
            local_recipient_maps =
            fast_flush_domains =
            smtputf8_enable = no
            message_size_limit = \(messageBytesMax)
            mailbox_size_limit = 0
            virtual_mailbox_limit = 0
            transport_maps = texthash:\(folder)/etc/transport
            default_transport = error:5.1.2 there is no route to this address
            virtual_mailbox_maps = texthash:\(folder)/etc/maildirs
            virtual_mailbox_base = \(folder)/maildir
            virtual_minimum_uid = 1
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            smtpd_reject_unlisted_recipient = no
            always_bcc = \(archive ?? "")
            smtpd_relay_restrictions = permit_mynetworks, reject
            smtpd_recipient_restrictions =
              check_recipient_access texthash:\(folder)/etc/refused, \(policy)permit_mynetworks, reject
            smtpd_client_connection_count_limit = 0
            smtpd_error_sleep_time = 0
            default_process_limit = 20
            queue_run_delay = 1s
            minimal_backoff_time = 1s
            maximal_backoff_time = 2s
            delay_warning_time = \(delayNoticeSeconds.map { "\($0)s" } ?? "0")
            smtpd_tls_cert_file = \(folder)/server.crt
            smtpd_tls_key_file = \(folder)/server.key
            smtpd_tls_session_cache_database =
            cyrus_sasl_config_path = \(folder)/etc/sasl
            smtpd_sasl_local_domain = \(domain)
            content_filter = \(gateway == nil ? "" : "gateway:dummy")

            """
    }

    private func services(folder: String) -> String {
        var text = """
            127.0.0.1:\(port) inet n - n - - smtpd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            lmtp unix - - n - - lmtp
            error unix - - n - - error
            retry unix - - n - - error
            virtual unix - n n - - virtual
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd

            """
        if let submission {
            for (port, mode) in [(submission.port, "encrypt"), (submission.tlsPort, "wrapper")] {
                text += """
                    127.0.0.1:\(port) inet n - n - - smtpd
                      -o \(mode == "wrapper" ? "smtpd_tls_wrappermode=yes" : "smtpd_tls_security_level=encrypt")
                      -o smtpd_sasl_auth_enable=yes
                      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
                      -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject

                    """
            }
        }
        if let gateway {
            text += """
                gateway unix - n n - 4 pipe
                  flags=q user=nobody null_sender=
                  argv=/usr/bin/python3 \(folder)/etc/gateway.py \(gateway.rawValue) \(returnPort) ${sender} ${recipient}
                127.0.0.1:\(returnPort) inet n - n - - smtpd
                  -o content_filter=
                  -o smtpd_recipient_restrictions=permit_mynetworks,reject

                """
        }
        return text
    }

    private var transports: String {
        destinations.map { name, destination in
            switch destination {
            case .lmtp(let port): "\(name) lmtp:inet:127.0.0.1:\(port)\n"
            case .smtp(let port): "\(name) smtp:[127.0.0.1]:\(port)\n"
            case .maildir: "\(name) virtual:\n"
            case .bounce(let reason): "\(name) error:\(reason)\n"
            }
        }.sorted().joined()
    }

    private var maildirs: String {
        destinations.compactMap { name, destination in
            if case .maildir(let folder) = destination { "\(name) \(folder)/\n" } else { nil }
        }.sorted().joined()
    }
}
