import StrictYAML

extension ConfigurationLoader {
    /// Who the service is to the directory; nil if what is wrong with it has been reported.
    func bind(_ section: YAMLSection<DirectoryKey>, url: ServerURL?) -> Configuration.Bind? {
        guard let value = section[.bind] else {
            guard let url, url.scheme != "ldapi" else { return .anonymous }
            section.fail(
                "the key \"bind\" is missing here; give { dn: ..., passwordFile: ... } or { mechanism: ... }, "
                    + "or bind: anonymous to be nobody"
            )
            return nil
        }
        if value.isText("anonymous") { return .anonymous }
        guard let bind = YAMLSection(value, as: BindKey.self) else { return nil }
        var mechanism: BindMechanism?
        if let named = bind[.mechanism] {
            mechanism = named.choice(BindMechanism.self)
            guard mechanism != nil else { return nil }
        }
        guard hasNothingElse(bind, for: mechanism) else { return nil }
        switch mechanism {
        case nil: return simple(bind)
        case .external: return external(bind, section, url: url)
        case .scramSHA256: return scram(bind)
        case .gssapi: return gssapi(bind)
        }
    }

    /// A key that does not belong to the mechanism is a misunderstanding that somebody should know of.
    private func hasNothingElse(_ bind: YAMLSection<BindKey>, for mechanism: BindMechanism?) -> Bool {
        let allowed = mechanism?.keys ?? [.dn, .passwordFile, .passwordEnvironment]
        let others = BindKey.allCases.filter { bind[$0] != nil && $0 != .mechanism && !allowed.contains($0) }
        for key in others {
            let place = mechanism.map { "mechanism \($0.rawValue)" } ?? "a bind without a mechanism"
            let names = allowed.map(\.rawValue).joined(separator: ", ")
            bind[key]?.fail(
                "this does not belong to \(place), which has "
                    + (allowed.isEmpty ? "no other keys" : "the keys \(names)"))
        }
        return others.isEmpty
    }

    private func simple(_ bind: YAMLSection<BindKey>) -> Configuration.Bind? {
        let dn = bind.required(.dn)?.dn(dnIsWithin)
        let password = password(bind)
        guard let dn, let password else { return nil }
        return .simple(dn: dn, password: password)
    }

    private func scram(_ bind: YAMLSection<BindKey>) -> Configuration.Bind? {
        let user = bind.required(.user)?.text()
        let password = password(bind)
        guard let user, let password else { return nil }
        return .scramSHA256(user: user, password: password)
    }

    private func password(_ bind: YAMLSection<BindKey>) -> Secret? {
        guard bind[.passwordFile] != nil || bind[.passwordEnvironment] != nil else {
            bind.fail("a password is missing here; give \"passwordFile\" or \"passwordEnvironment\"")
            return nil
        }
        return bind.password(file: .passwordFile, environment: .passwordEnvironment)
    }

    private func external(
        _ bind: YAMLSection<BindKey>, _ section: YAMLSection<DirectoryKey>, url: ServerURL?
    ) -> Configuration.Bind? {
        guard let url, url.scheme != "ldapi", section[.certificate] == nil else { return .external }
        bind.fail(
            "EXTERNAL is what the connection itself proves: give \"certificate\" and \"key\" in directory, "
                + "or use ldapi://, where it is the user that the service runs as")
        return nil
    }

    private func gssapi(_ bind: YAMLSection<BindKey>) -> Configuration.Bind? {
        guard bind[.keytab] == nil || bind[.credentialCache] == nil else {
            bind.fail("\"keytab\" and \"credentialCache\" are alternatives; keep one of them")
            return nil
        }
        let principal = bind[.principal]?.text()
        let keytab = bind[.keytab]?.privateFilePath()
        // The cache may come into being later.
        let cache = bind[.credentialCache]?.path()
        return .gssapi(principal: principal, keytab: keytab, credentialCache: cache)
    }

    /// The certificate that the service shows; nil if it has none, or what is wrong with it has been reported.
    func clientCertificate(_ section: YAMLSection<DirectoryKey>) -> Configuration.ClientCertificate? {
        guard section[.certificate] != nil || section[.key] != nil else { return nil }
        let certificate = section.required(.certificate)?.readableFilePath()
        let key = section.required(.key)?.privateFilePath()
        guard let certificate, let key else { return nil }
        return Configuration.ClientCertificate(file: certificate, keyFile: key)
    }
}

/// The SASL mechanisms (RFC 4422) under the names that they have there.
private enum BindMechanism: String, CaseIterable {
    case external = "EXTERNAL"
    case scramSHA256 = "SCRAM-SHA-256"
    case gssapi = "GSSAPI"

    var keys: [BindKey] {
        switch self {
        case .external: []
        case .scramSHA256: [.user, .passwordFile, .passwordEnvironment]
        case .gssapi: [.principal, .keytab, .credentialCache]
        }
    }
}
