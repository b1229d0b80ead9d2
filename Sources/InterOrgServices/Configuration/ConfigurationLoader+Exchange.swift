import AddressBook
import Foundation
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
        requireInsecure(section)
        let address = section.required(.address)?.mailAddress()
        let smtp = section.required(.smtp).flatMap(self.smtp)
        let inbox = section.required(.inbox).flatMap(self.inbox)
        let master = section[.master].flatMap(self.master)
        let requestors = section[.requestors].flatMap(self.requestors)
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
        guard let address, let smtp, let inbox, let role else { return nil }
        return ExchangeParties(
            exchange: .init(address: address, smtp: smtp, inbox: inbox),
            role: role, peers: (master.map { [$0] } ?? []) + (requestors ?? [])
        )
    }

    /// Mail is closed by default. As long as it cannot be, the file has to say that its owner knows.
    private func requireInsecure(_ section: YAMLSection<ExchangeKey>) {
        let message =
            "mail is neither signed nor encrypted yet (S/MIME comes with a later version), so whoever can send mail "
            + "to the inbox can change entries; write insecure: true in this section to accept that"
        guard let value = section[.insecure] else { return section.fail(message) }
        if value.flag() == false { value.fail(message) }
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

    private func inbox(_ value: YAMLValue) -> Configuration.Inbox? {
        guard let section = YAMLSection(value, as: InboxKey.self),
            let given = section.exactlyOne(of: InboxKey.allCases),
            let address = given.value.listeningAddress()
        else { return nil }
        return .init(delivery: given.key == .lmtp ? .lmtp : .smtp, host: address.host, port: address.port)
    }

    private func master(_ value: YAMLValue) -> LocatedPeer? {
        guard let section = YAMLSection(value, as: MasterKey.self) else { return nil }
        return peer(
            value, name: section.required(.organization), id: section[.organizationID],
            address: section.required(.address), smtp: nil
        )
    }

    private func requestors(_ value: YAMLValue) -> [LocatedPeer]? {
        value.list()?.compactMap { element in
            guard let section = YAMLSection(element, as: RequestorKey.self) else { return nil }
            return peer(
                element, name: section.required(.organization), id: section[.organizationID],
                address: section.required(.address), smtp: section[.smtp].flatMap(self.smtp)
            )
        }
    }

    private func peer(
        _ value: YAMLValue, name: YAMLValue?, id: YAMLValue?, address: YAMLValue?,
        smtp: Configuration.SMTP?
    ) -> LocatedPeer? {
        let organization = name?.organizationName()
        let organizationID = id?.uuid()
        let mailAddress = address?.mailAddress()
        guard let organization, let mailAddress else { return nil }
        let peer = Configuration.Peer(
            organization: organization,
            organizationID: organizationID ?? OrganizationID(derivedFromName: organization).uuid,
            address: mailAddress, smtp: smtp
        )
        return LocatedPeer(peer: peer, value: value)
    }
}
