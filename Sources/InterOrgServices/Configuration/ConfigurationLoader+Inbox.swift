import StrictYAML

extension ConfigurationLoader {
    /// How incoming mail comes; nil if what is wrong with it has been reported.
    func inbox(_ value: YAMLValue) -> Configuration.Inbox? {
        guard let section = YAMLSection(value, as: InboxKey.self),
            let given = section.exactlyOne(of: InboxKey.kinds), hasNothingElse(section, for: given.key)
        else { return nil }
        switch given.key {
        case .lmtp: return listener(section, .lmtp, given.value).map { .listener($0) }
        case .smtp: return listener(section, .smtp, given.value).map { .listener($0) }
        case .maildir: return maildir(section, given.value).map { .maildir($0) }
        case .imap: return imap(given.value).map { .imap($0) }
        default: return pipe(given.value)
        }
    }

    /// A key that does not belong to the kind is a misunderstanding that somebody should know of.
    private func hasNothingElse(_ section: YAMLSection<InboxKey>, for kind: InboxKey) -> Bool {
        let others = InboxKey.allCases.filter {
            section[$0] != nil && $0 != kind && !kind.companions.contains($0)
        }
        for key in others {
            let kinds = InboxKey.kinds.filter { $0.companions.contains(key) }.map { "\"\($0.rawValue)\"" }
            section[key]?.fail("this goes with \(kinds.joined(separator: " or ")), not with \"\(kind.rawValue)\"")
        }
        return others.isEmpty
    }

    private func listener(
        _ section: YAMLSection<InboxKey>, _ delivery: Configuration.Listener.Delivery, _ value: YAMLValue
    ) -> Configuration.Listener? {
        let address = value.listeningAddress()
        let tls = section[.tls].flatMap(certificate)
        let insecure = section.read(.insecure, otherwise: false) { $0.flag() }
        let isRequired = section[.requireTLS]?.flag()
        guard let address, let insecure, section[.tls] == nil || tls != nil,
            section[.requireTLS] == nil || isRequired != nil
        else { return nil }
        if tls == nil, isRequired == true {
            section[.requireTLS]?.fail("TLS needs a certificate; give tls: { certificate: ..., key: ... }")
            return nil
        }
        guard tls != nil || insecure || address.isLoopback else {
            value.fail(
                "mail to \(address.host) would come in the clear: who speaks with whom could be seen and mail be held up; "
                    + "give tls: { certificate: ..., key: ... }, or insecure: true to accept that")
            return nil
        }
        return .init(
            delivery: delivery, host: address.host, port: address.port ?? 0, tls: tls,
            requiresTLS: tls != nil && (isRequired ?? (!address.isLoopback && !insecure)))
    }

    private func certificate(_ value: YAMLValue) -> Configuration.ClientCertificate? {
        guard let section = YAMLSection(value, as: InboxTLSKey.self) else { return nil }
        let certificate = section.required(.certificate)?.readableFilePath()
        let key = section.required(.key)?.privateFilePath()
        guard let certificate, let key else { return nil }
        return .init(file: certificate, keyFile: key)
    }

    private func maildir(_ section: YAMLSection<InboxKey>, _ value: YAMLValue) -> Configuration.MaildirInbox? {
        let path = value.folderPath()
        let standard = Configuration.MaildirInbox.processedStandard
        let processed = section.read(.processed, otherwise: standard) { value in
            if value.isText("delete") { return .delete }
            if value.isText("keep") { return .keep(nil) }
            return value.duration(or: ["keep", "delete"]).map { .keep($0) }
        }
        guard let path, let processed else { return nil }
        return .init(path: path, processed: processed)
    }

    private func pipe(_ value: YAMLValue) -> Configuration.Inbox? {
        guard let isPipe = value.flag() else { return nil }
        if isPipe { return .pipe }
        value.fail("pipe: false says nothing about how mail comes; use lmtp, smtp, maildir or imap instead")
        return nil
    }

    private func imap(_ value: YAMLValue) -> Configuration.IMAPInbox? {
        guard let section = YAMLSection(value, as: IMAPKey.self) else { return nil }
        let url = section.required(.url)?.serverURL(schemes: ["imap", "imaps"])
        let user = section.required(.user)?.text()
        let password = section.password(file: .passwordFile, environment: .passwordEnvironment)
        let hasPassword = section[.passwordFile] != nil || section[.passwordEnvironment] != nil
        if !hasPassword {
            section.fail("a password is missing here; give \"passwordFile\" or \"passwordEnvironment\"")
        }
        let caFile = section[.caFile]?.readableFilePath()
        let folder = section.read(.folder, otherwise: "INBOX") { $0.imapFolder() }
        let every = section.read(.every, otherwise: .seconds(60)) { $0.duration() }
        let processed = section.read(.processed, otherwise: "delete") { $0.imapFolder() }
        let refused = section.read(.refused, otherwise: "Refused") { $0.imapFolder() }
        guard let address = url?.address, let scheme = url?.scheme, let user, let password, let folder, let every,
            let processed, let refused, section[.caFile] == nil || caFile != nil
        else { return nil }
        for (key, name) in [(IMAPKey.processed, processed), (.refused, refused)] where name == folder {
            section[key]?.fail("\"\(name)\" is the folder that mail is taken from; name another one")
            return nil
        }
        return .init(
            host: address.host, port: address.port ?? (scheme == "imaps" ? 993 : 143),
            transportSecurity: scheme == "imaps" ? .tls : address.isLoopback ? .plaintext : .startTLS,
            credentials: .init(user: user, password: password), caFile: caFile, folder: folder, every: every,
            processedFolder: processed == "delete" ? nil : processed, refusedFolder: refused)
    }
}

extension YAMLValue {
    /// The name of an IMAP folder as the server writes it (RFC 9051, section 5.1): ASCII, what is not in modified UTF-7.
    fileprivate func imapFolder() -> String? {
        guard let text = text() else { return nil }
        guard (1...200).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
            !text.contains("*"), !text.contains("%")
        else {
            fail(
                "\"\(text)\" is not the name of a folder; write it as the server does: ASCII, without * and %, other "
                    + "letters in modified UTF-7")
            return nil
        }
        return text
    }
}
