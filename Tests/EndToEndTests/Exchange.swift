import Foundation
import LDAPClient
import TestSupport

/// Three organizations with a directory each: a master and two requestors, which reach each other by SMTP alone.
struct Exchange {
    let master: Organization
    let a: Organization
    let b: Organization

    var organizations: [Organization] { [master, a, b] }

    /// How every directory shows an organization's entries: one line for each, in order.
    func addressBook(of organization: Organization, in viewer: Organization) async throws -> [String] {
        let base = organization === viewer ? organization.exportBase : "ou=\(organization.name),\(viewer.importBase)"
        return try await viewer.withDirectory { connection in
            let entries: [LDAPEntry]
            do {
                entries = try await connection.entries(base: base, attributes: ["uid", "ou", "title", "sn", "member"])
            } catch LDAPResultCode.noSuchObject {
                return []
            }
            return entries.filter { $0.dn != base }.map { entry in
                let place = entry.dn.dropLast(base.count + 1)
                let values = ["uid", "ou", "title", "sn"].map { name in
                    entry[name].map { String(decoding: $0, as: UTF8.self) }.sorted().joined(separator: "|")
                }
                let members = entry["member"].map { member in
                    let dn = String(decoding: member, as: UTF8.self)
                    return dn.hasSuffix("," + base) ? String(dn.dropLast(base.count + 1)) : dn
                }
                return ([String(place)] + values + members.sorted()).joined(separator: " ")
            }.sorted()
        }
    }

    /// Whether every directory shows what each organization has at home: every entry once, and no other.
    func hasConverged() async throws -> Bool {
        for organization in organizations {
            let home = try await addressBook(of: organization, in: organization)
            for viewer in organizations where viewer !== organization {
                guard try await addressBook(of: organization, in: viewer) == home else { return false }
            }
        }
        return true
    }

    /// Waits for that.
    func converge(limit: Duration = .seconds(240)) async throws {
        try await wait(for: "the address books are equal", limit: limit) {
            for organization in organizations where !organization.isRunning {
                throw TestSupportError("\(organization.name) has ended: \(organization.log)")
            }
            return try await hasConverged()
        }
    }

    /// Waits for something; on failure the error says what the services have logged.
    func wait(
        for what: String, limit: Duration = .seconds(240), _ condition: () async throws -> Bool
    ) async throws {
        do {
            try await waitUntil(what, limit: limit, condition)
        } catch let error as TestSupportError {
            let logs = organizations.map { "\($0.name):\n\($0.log.suffix(3000))" }.joined(separator: "\n")
            throw TestSupportError("\(error.description)\n\(logs)")
        }
    }

    /// Makes a key for each organization; the master and the others trust each other's certificates.
    func exchangeKeys() async throws {
        for organization in organizations { try await organization.done("keys", "create") }
        for requestor in [a, b] {
            try await master.trust(requestor)
            try await requestor.trust(master)
        }
    }

    func start() throws {
        for organization in organizations { try organization.start() }
    }
}

/// Runs the body with three organizations that have so many people each; nothing is left running.
///
/// - Parameters:
///   - interval: how often the services run a cycle.
///   - isSealed: whether mail is signed and encrypted, with keys that `interorg keys` makes and trusts.
///   - configuration: lines that every service's configuration has at its end.
///   - databaseLines: of the second requestor's slapd.
///   - adjust: changes what the second requestor's slapd is to be like.
func withExchange(
    people: Int, every interval: String = "1s", isSealed: Bool = true, configuration: String = "",
    globalLines: [String] = [],
    databaseLines: [String] = [], adjust: (inout SlapdConfiguration) -> Void = { _ in },
    _ body: (Exchange) async throws -> Void
) async throws {
    try await withOrganization("hq", people: people) { master in
        try await withOrganization("a", people: people) { a in
            try await withOrganization("b", people: people, globalLines, databaseLines, adjust) { b in
                let smtp = { (organization: Organization) in
                    "smtp: { url: \"smtp://127.0.0.1:\(organization.mailPort)\" }"
                }
                try await master.configure(
                    exchange: """
                          \(smtp(a))
                          requestors:
                            - { organization: a, address: \(a.address), certificate: a.crt, \(smtp(a)) }
                            - { organization: b, address: \(b.address), certificate: b.crt, \(smtp(b)) }
                        """.with(certificates: isSealed), every: interval, isSealed: isSealed, more: configuration)
                for requestor in [a, b] {
                    try await requestor.configure(
                        exchange: """
                              \(smtp(master))
                              master: { organization: hq, address: \(master.address), certificate: hq.crt }
                            """.with(certificates: isSealed), every: interval, isSealed: isSealed, more: configuration)
                }
                let exchange = Exchange(master: master, a: a, b: b)
                if isSealed { try await exchange.exchangeKeys() }
                try await body(exchange)
            }
        }
    }
}

extension String {
    /// A part of a configuration, with or without the certificates in it.
    fileprivate func with(certificates: Bool) -> String {
        certificates ? self : replacing(/, certificate: [a-z]+\.crt/, with: "")
    }
}

/// Runs the body with one organization that has a directory and no configuration yet.
func withOrganization(
    _ name: String, people: Int, _ globalLines: [String] = [], _ databaseLines: [String] = [],
    _ adjust: (inout SlapdConfiguration) -> Void = { _ in }, _ body: (Organization) async throws -> Void
) async throws {
    let schema = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "schemas/interorg.schema").path
    var configuration = SlapdConfiguration(
        suffix: "dc=\(name)", sessionLogSize: 1000, schemaFiles: [schema], globalLines: globalLines,
        databaseLines: databaseLines, initialLDIF: ldif(name, people: people))
    adjust(&configuration)
    try await withSlapd(configuration) { server in
        let organization = try Organization(name, server: server)
        do {
            try await body(organization)
            await organization.remove()
        } catch {
            await organization.remove()
            throw error
        }
    }
}

/// Half of the people in `ou=sales`, the others directly below `ou=people`.
private func ldif(_ name: String, people: Int) -> String {
    var text = """
        dn: dc=\(name)
        objectClass: organization
        objectClass: dcObject
        o: \(name)
        dc: \(name)

        """
    for container in ["ou=people", "ou=interorg", "ou=sales,ou=people"] {
        text += """

            dn: \(container),dc=\(name)
            objectClass: organizationalUnit

            """
    }
    for number in 0..<people {
        text += """

            dn: uid=\(name)\(number),\(number.isMultiple(of: 2) ? "ou=sales," : "")ou=people,dc=\(name)
            objectClass: inetOrgPerson
            uid: \(name)\(number)
            cn: Person \(number) of \(name)
            sn: Person
            title: Title \(number)

            """
    }
    return text
}
