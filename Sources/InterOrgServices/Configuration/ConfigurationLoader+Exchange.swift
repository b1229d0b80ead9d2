import AddressBook
import Foundation
import MailTransport
import StrictYAML

/// The exchange section, with what it says about the other organizations.
struct ExchangeParties {
    let exchange: Configuration.Exchange
    let role: Configuration.Role
    let peers: [LocatedPeer]
}

extension ConfigurationLoader {
    /// Reads the exchange section. Without a known role it is checked as far as that goes, and nil is returned.
    func exchange(_ value: YAMLValue, role roleName: RoleName?) -> ExchangeParties? {
        guard let section = YAMLSection(value, as: ExchangeKey.self) else { return nil }
        let protection = self.protection(section)
        let address = section.required(.address)?.mailAddress()
        let smtp = section.required(.smtp).flatMap(self.smtp)
        let inbox = section.required(.inbox).flatMap(self.inbox)
        let needs = CertificateNeeds(protection, keysMayBeMissing: keysMayBeMissing)
        let master = section[.master].flatMap { self.master($0, needs) }
        let requestors = section[.requestors].flatMap { self.requestors($0, needs) }
        let role: Configuration.Role?
        switch roleName {
        case .master:
            section[.master]?.fail("the master of an exchange has no master; use \"requestors\", or role: requestor")
            if section[.requestors] == nil { _ = section.required(.requestors) }
            role = requestors.map { .master(requestors: $0.map(\.peer)) }
        case .requestor:
            section[.requestors]?.fail("only a master has requestors; use \"master\", or role: master")
            if section[.master] == nil { _ = section.required(.master) }
            role = master.map { .requestor(master: $0.peer) }
        case nil:
            role = nil
        }
        guard let address, let smtp, let inbox, let role, let protection else { return nil }
        return ExchangeParties(
            exchange: .init(address: address, smtp: smtp, inbox: inbox, protection: protection),
            role: role, peers: (master.map { [$0] } ?? []) + (requestors ?? [])
        )
    }

    private func smtp(_ value: YAMLValue) -> Configuration.SMTP? {
        guard let section = YAMLSection(value, as: SMTPKey.self) else { return nil }
        let url = section.required(.url)?.serverURL(schemes: ["smtp", "smtps"])
        let transportSecurity = url.flatMap { self.transportSecurity(section, url: $0) }
        let caFile = section[.caFile]?.readableFilePath()
        let user = section[.user]?.text()
        let password = section.password(file: .passwordFile, environment: .passwordEnvironment)
        let hasPassword = section[.passwordFile] != nil || section[.passwordEnvironment] != nil
        if hasPassword != (section[.user] != nil) {
            section.fail(
                "\"user\" and a password go together; give \"user\" with \"passwordFile\" or \"passwordEnvironment\", "
                    + "or none of them"
            )
            return nil
        }
        guard let address = url?.address, let transportSecurity else { return nil }
        if hasPassword, user == nil || password == nil { return nil }
        return Configuration.SMTP(
            host: address.host,
            port: address.port ?? (transportSecurity == .tls ? 465 : 587),
            transportSecurity: transportSecurity, caFile: caFile,
            credentials: user.flatMap { user in password.map { .init(user: user, password: $0) } }
        )
    }

    /// Mail is submitted with TLS, except on this machine or where the file says that it need not be.
    private func transportSecurity(
        _ section: YAMLSection<SMTPKey>, url: ServerURL
    ) -> Configuration.TransportSecurity? {
        let startTLS = section.read(.startTLS, otherwise: false) { $0.flag() }
        let insecure = section.read(.insecure, otherwise: false) { $0.flag() }
        guard let startTLS, let insecure, let address = url.address else { return nil }
        if startTLS, url.scheme == "smtps" {
            section[.startTLS]?.fail("startTLS is for smtp:// only; smtps:// needs none, leave the key out")
        }
        if startTLS, insecure {
            section[.insecure]?.fail(
                "insecure: true does without TLS, and startTLS: true requires it; keep one of them")
        }
        if url.scheme == "smtps" { return .tls }
        guard insecure || address.isLoopback && !startTLS else { return .startTLS }
        section[.caFile]?.fail(
            "caFile is for TLS, and there is none here"
                + (insecure ? " (insecure: true)" : "; add startTLS: true, or leave the key out"))
        return .plaintext
    }

    private func master(_ value: YAMLValue, _ needs: CertificateNeeds) -> LocatedPeer? {
        guard let section = YAMLSection(value, as: MasterKey.self) else { return nil }
        let certificates = certificates(section[.certificate], in: value, isNeeded: needs.ofMaster)
        return peer(
            value, name: section.required(.organization), id: section[.organizationID],
            address: section.required(.address), smtp: nil, certificates: certificates,
            cipher: section[.cipher]?.choice(ContentCipher.self), receives: nil, offers: true
        )
    }

    private func requestors(_ value: YAMLValue, _ needs: CertificateNeeds) -> [LocatedPeer]? {
        value.list()?.compactMap { element in
            guard let section = YAMLSection(element, as: RequestorKey.self) else { return nil }
            return peer(
                element, name: section.required(.organization), id: section[.organizationID],
                address: section.required(.address), smtp: section[.smtp].flatMap(self.smtp),
                certificates: certificates(section[.certificate], in: element, isNeeded: needs.ofRequestor),
                cipher: section[.cipher]?.choice(ContentCipher.self), receives: section[.receives],
                offers: section.read(.offers, otherwise: true) { $0.flag() }
            )
        }
    }

    private func peer(
        _ value: YAMLValue, name: YAMLValue?, id: YAMLValue?, address: YAMLValue?,
        smtp: Configuration.SMTP?, certificates: Configuration.TrustedCertificates?, cipher: ContentCipher?,
        receives: YAMLValue?, offers: Bool?
    ) -> LocatedPeer? {
        let organization = name?.organizationName()
        let organizationID = id?.uuid()
        let mailAddress = address?.mailAddress()
        var names: [Located<String>]?
        if let receives, !receives.isText("all") {
            names = receives.list()?.compactMap { value in
                value.organizationName().map { Located(value: $0, place: value) }
            }
            if names == nil { return nil }
        }
        guard let organization, let mailAddress, let certificates, let offers else { return nil }
        let peer = Configuration.Peer(
            organization: organization,
            organizationID: organizationID ?? OrganizationID(derivedFromName: organization).uuid,
            address: mailAddress, smtp: smtp, certificates: certificates, cipher: cipher,
            receives: names?.map(\.value), offers: offers
        )
        return LocatedPeer(peer: peer, value: value, receives: names ?? [])
    }
}
