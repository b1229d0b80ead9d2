import AddressBook
import DirectoryMapping
import LDAPDirectory
import StrictYAML

extension ConfigurationLoader {
    func directory(_ value: YAMLValue) -> Configuration.Directory? {
        guard let section = YAMLSection(value, as: DirectoryKey.self) else { return nil }
        let url = section.required(.url)?.serverURL(schemes: ["ldap", "ldaps", "ldapi"])
        let certificate = clientCertificate(section)
        let bind = self.bind(section, url: url)
        let transportSecurity = url.flatMap { self.transportSecurity(section, url: $0, bind: bind) }
        let caFile = section[.caFile]?.readableFilePath()
        let exports = section.read(.export, otherwise: [], as: self.exports)
        let mapping = section.read(.mapping, otherwise: .inetOrgPerson, as: self.mapping)
        let imports = section[.import].flatMap { self.imports($0, mapping: mapping) }
        let changes = section.read(.changes, otherwise: .auto) { $0.choice(Configuration.ChangeDetection.self) }
        let auditEvery = section.read(.audit, otherwise: .seconds(86_400)) { $0.duration() }
        if let exports {
            checkBases(exports, imports: imports)
            if exports.isEmpty, section[.import] == nil {
                section.fail("there is nothing to do: give \"export\", \"import\" or both")
            }
        }
        guard let url, let transportSecurity, let bind, let exports, let mapping, let changes, let auditEvery else {
            return nil
        }
        return Configuration.Directory(
            url: url.text, transportSecurity: transportSecurity, caFile: caFile,
            clientCertificate: certificate, bind: bind, exports: exports.map(\.export), imports: imports?.import,
            mapping: mapping, changes: changes,
            auditEvery: auditEvery
        )
    }

    private func transportSecurity(
        _ section: YAMLSection<DirectoryKey>, url: ServerURL, bind: Configuration.Bind?
    ) -> Configuration.TransportSecurity? {
        let startTLS = section.read(.startTLS, otherwise: false) { $0.flag() }
        let insecure = section.read(.insecure, otherwise: false) { $0.flag() }
        guard let startTLS, let insecure else { return nil }
        guard let address = url.address, url.scheme == "ldap" else {
            if startTLS {
                section[.startTLS]?.fail("startTLS is for ldap:// only; \(url.scheme):// needs none, leave the key out")
            }
            if url.scheme == "ldapi" {
                section[.certificate]?.fail("a client certificate is for TLS; ldapi:// has none, leave the key out")
            }
            return url.scheme == "ldaps" ? .tls : .localSocket
        }
        if startTLS { return .startTLS }
        section[.certificate]?.fail(
            "a client certificate is shown when TLS begins; use ldaps://, or add startTLS: true")
        if case .gssapi = bind { return .kerberos }
        guard insecure || address.isLoopback else {
            // A bind that is wrong has been reported, and might have been one that protects.
            if section[.bind] != nil, bind == nil { return nil }
            section[.url]?.fail(
                "ldap:// to \(address.host) would send everything in the clear; use ldaps://, "
                    + "or add startTLS: true, or insecure: true to accept it"
            )
            return nil
        }
        return .plaintext
    }

    private func exports(_ value: YAMLValue) -> [LocatedExport]? {
        value.list()?.compactMap { element in
            guard let section = YAMLSection(element, as: ExportKey.self) else { return nil }
            let base = section.required(.base)
            let dn = base?.dn(dnIsWithin)
            let filter = section[.filter]?.filter()
            guard let base, let dn else { return nil }
            return LocatedExport(export: .init(base: dn, filter: filter), base: base)
        }
    }

    private func imports(_ value: YAMLValue, mapping: Mapping?) -> LocatedImport? {
        guard let section = YAMLSection(value, as: ImportKey.self) else { return nil }
        let base = section.required(.base)
        let placement = section.read(.placement, otherwise: .mirroring) { self.placement($0, mapping: mapping) }
        let adoption = section.read(.adopt, otherwise: nil) { self.adoption($0, mapping: mapping) }
        let transactions = section.read(.transactions, otherwise: .never) { $0.choice(TransactionUse.self) }
        guard let base, let dn = base.dn(dnIsWithin), let placement, let adoption, let transactions else { return nil }
        return LocatedImport(
            import: .init(base: dn, placement: placement, adoption: adoption, transactions: transactions), base: base)
    }

    private func placement(_ value: YAMLValue, mapping: Mapping?) -> PlacementTemplate? {
        guard let text = value.text() else { return nil }
        do throws(PlacementTemplate.Failure) {
            let placement = try PlacementTemplate(text)
            // A name that the mapping does not write would keep the values of all that the entry has ever been called.
            if let name = placement.namingAttribute, written(name, by: mapping, value) == nil { return nil }
            return placement
        } catch {
            value.fail("\"\(text)\" is not a placement: \(error.reason)")
            return nil
        }
    }

    /// What the mapping does not write would never be found.
    private func adoption(_ value: YAMLValue, mapping: Mapping?) -> String?? {
        guard let text = value.text(), let attribute = written(text, by: mapping, value) else { return nil }
        return .some(attribute)
    }

    /// The attribute as the mapping spells it.
    private func written(_ attribute: String, by mapping: Mapping?, _ value: YAMLValue) -> String? {
        let everything = DestinationSchema(hasStamp: true, hasGeneralPage: true)
        let written = mapping?.managedAttributes(for: .person, schema: everything) ?? [attribute]
        if let known = written.first(where: { $0.lowercased() == attribute.lowercased() }) { return known }
        value.fail(
            "the mapping does not write \"\(attribute)\"; name one of " + written.joined(separator: ", "))
        return nil
    }

    /// Bases that overlap would export entries twice, and an export from the import base would echo.
    private func checkBases(_ exports: [LocatedExport], imports: LocatedImport?) {
        for (index, later) in exports.enumerated() {
            for earlier in exports[..<index] {
                let laterIsInside = dnIsWithin(later.export.base, earlier.export.base) == true
                guard laterIsInside || dnIsWithin(earlier.export.base, later.export.base) == true else { continue }
                later.base.fail(
                    "\"\(later.export.base)\" and \"\(earlier.export.base)\" (\(earlier.base.place)) overlap; "
                        + "keep only the outer one"
                )
            }
            guard let imports, dnIsWithin(later.export.base, imports.import.base) == true else { continue }
            later.base.fail(
                "the export base \"\(later.export.base)\" is equal to or below the import base \"\(imports.import.base)\" "
                    + "(\(imports.base.place)); what is imported must not be exported again: move one of them"
            )
        }
    }
}

private struct LocatedExport {
    let export: Configuration.Export
    let base: YAMLValue
}

private struct LocatedImport {
    let `import`: Configuration.Import
    let base: YAMLValue
}
