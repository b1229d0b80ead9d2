import TestSupport

/// Runs the body with three organizations, each with a postfix of its own for its domain: mail leaves through it, and
/// what it gets for the service's address it hands over by LMTP.
///
/// - Parameters:
///   - adjust: changes what an organization's postfix is to be like.
func withPostfixExchange(
    people: Int, every interval: String = "1s", configuration: String = "",
    adjust: (Organization, inout PostfixConfiguration) -> Void = { _, _ in },
    _ body: (Exchange, _ servers: [String: PostfixServer]) async throws -> Void
) async throws {
    try await withExchange(people: people, every: interval, configuration: configuration) { exchange in
        var configurations: [PostfixConfiguration] = []
        for organization in exchange.organizations {
            var configuration = try PostfixConfiguration(domain: "\(organization.name).example")
            configuration.destinations[organization.address] = .lmtp(port: organization.mailPort)
            configurations.append(configuration)
        }
        for index in configurations.indices {
            for other in configurations where other.domain != configurations[index].domain {
                configurations[index].add(routeTo: other)
            }
            adjust(exchange.organizations[index], &configurations[index])
        }
        try await withPostfix(configurations[0]) { first in
            try await withPostfix(configurations[1]) { second in
                try await withPostfix(configurations[2]) { third in
                    let servers = [first, second, third]
                    for (organization, server) in zip(exchange.organizations, servers) {
                        try organization.reconfigure("inbox: { smtp:", "inbox: { lmtp:")
                        for other in exchange.organizations where other !== organization {
                            // A requestor sends to the master alone.
                            try? organization.reconfigure("smtp://127.0.0.1:\(other.mailPort)", server.url)
                        }
                    }
                    let names = exchange.organizations.map(\.name)
                    do {
                        try await body(exchange, Dictionary(uniqueKeysWithValues: zip(names, servers)))
                    } catch let error as TestSupportError {
                        let logs = servers.map { $0.log.suffix(3000) }.joined(separator: "\n")
                        throw TestSupportError("\(error.description)\n\(logs)")
                    }
                }
            }
        }
    }
}

extension InterOrgCommand.Result {
    /// How mail to an organization goes, of `status --json`; nothing while there is no state yet.
    func mail(to organization: Organization) throws -> [String: Any] {
        guard !output.isEmpty else { return [:] }
        let organizations = try json()["organizations"] as? [[String: Any]] ?? []
        let found = organizations.first { $0["organization"] as? String == organization.name }
        return found?["mail"] as? [String: Any] ?? [:]
    }
}
