import LDAPClient
import TestSupport
import Testing

extension SlapdServer {
    /// Options for a connection as the administrator.
    func options(url: String? = nil, operationTimeout: Duration = .seconds(60)) -> LDAPConnectionOptions {
        LDAPConnectionOptions(
            url: url ?? self.url,
            credentials: .simple(dn: rootDN, password: LDAPPassword(rootPassword)),
            operationTimeout: operationTimeout
        )
    }

    /// A connection as the administrator.
    func connect() async throws -> LDAPConnection {
        try await .connect(options())
    }

    /// The DN of a person.
    nonisolated func personDN(_ name: String) -> String { "uid=\(name),\(peopleDN)" }
}

/// The attributes of a person.
func person(_ name: String, _ more: LDAPAttribute...) -> [LDAPAttribute] {
    [
        LDAPAttribute("objectClass", "inetOrgPerson"), LDAPAttribute("uid", name), LDAPAttribute("cn", name),
        LDAPAttribute("sn", name),
    ] + more
}

/// LDIF of the suffix, `ou=people` and so many people.
func ldif(people count: Int, suffix: String = "dc=example") -> String {
    var text = """
        dn: \(suffix)
        objectClass: organization
        objectClass: dcObject
        o: example
        dc: example

        dn: ou=people,\(suffix)
        objectClass: organizationalUnit
        ou: people

        """
    let description = String(repeating: "x", count: 300)
    for number in 0..<count {
        text += """

            dn: uid=p\(number),ou=people,\(suffix)
            objectClass: inetOrgPerson
            uid: p\(number)
            cn: Person \(number)
            sn: \(number)
            description: \(description)

            """
    }
    return text
}

/// The error that the body throws, which must be an ``LDAPError``.
func ldapError(_ body: () async throws -> Void) async -> LDAPError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? LDAPError
    }
}

extension LDAPSearchEvent {
    /// The entry, if the event is one.
    var entry: LDAPEntry? {
        if case .entry(let entry) = self { entry } else { nil }
    }
}
