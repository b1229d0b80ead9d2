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
        let insecure = section.read(.insecure, otherwise: false) { $0.flag() }
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
        guard let address = url?.address, let scheme = url?.scheme, let insecure else { return nil }
        if hasPassword, user == nil || password == nil { return nil }
        let isPlain = insecure || address.isLoopback
        return Configuration.SMTP(
            host: address.host,
            port: address.port ?? (scheme == "smtps" ? 465 : 587),
            transportSecurity: scheme == "smtps" ? .tls : isPlain ? .plaintext : .startTLS,
            credentials: user.flatMap { user in password.map { .init(user: user, password: $0) } }
        )
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
