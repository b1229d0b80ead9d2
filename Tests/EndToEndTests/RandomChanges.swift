import LDAPClient

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

/// Changes of every kind that people make in their directories.
struct RandomChanges {
    private var number = 0

    /// Makes one change of each kind in every organization's directory.
    mutating func make(in organizations: [Organization], _ random: inout SeededGenerator) async throws {
        for organization in organizations {
            let base = organization.exportBase
            let people = try await organization.withDirectory { connection in
                try await connection.entries(base: base, filter: "(objectClass=inetOrgPerson)", attributes: ["uid"])
            }.sorted { $0.dn < $1.dn }.shuffled(using: &random)
            number += 1
            let number = number
            try await organization.withDirectory { connection in
                try await connection.addPerson("new\(number)", in: base, title: "New")
                try await connection.modify(
                    dn: people[0].dn, [LDAPModification(.replace, "title", "Title of change \(number)")])
                try await connection.rename(dn: people[1].dn, newRDN: "uid=renamed\(number)", deleteOldRDN: true)
                try await connection.add(
                    dn: "ou=unit\(number),\(base)",
                    attributes: [
                        LDAPAttribute("objectClass", "organizationalUnit"), LDAPAttribute("ou", "unit\(number)"),
                    ])
                try await connection.rename(
                    dn: people[2].dn, newRDN: "uid=moved\(number)", deleteOldRDN: true,
                    newSuperior: "ou=unit\(number),\(base)")
                // Deleted and made again under the same DN: another entry.
                try await connection.delete(dn: people[3].dn)
                try await connection.addPerson(
                    people[3].text("uid") ?? "", in: String(people[3].dn.drop { $0 != "," }.dropFirst()), title: "Again"
                )
                if number.isMultiple(of: 3) { try await connection.delete(dn: people[4].dn) }
            }
            try await changeGroups(in: organization, &random)
        }
    }

    /// Adds a group, and gives every group other members: no server here does it when an entry is renamed or deleted.
    private func changeGroups(in organization: Organization, _ random: inout SeededGenerator) async throws {
        let base = organization.exportBase
        let (people, groups) = try await organization.withDirectory { connection in
            try await connection.add(
                dn: "cn=group\(number),\(base)",
                attributes: [
                    LDAPAttribute("objectClass", "groupOfNames"), LDAPAttribute("cn", "group\(number)"),
                    LDAPAttribute("member", "cn=group\(number),\(base)"),
                ])
            return (
                try await connection.entries(base: base, filter: "(objectClass=inetOrgPerson)").map(\.dn).sorted(),
                try await connection.entries(base: base, filter: "(objectClass=groupOfNames)").map(\.dn).sorted()
            )
        }
        for group in groups {
            let members = people.shuffled(using: &random).prefix(3).map { Array($0.utf8) }
            try await organization.withDirectory { connection in
                try await connection.modify(dn: group, [LDAPModification(.replace, "member", members)])
            }
        }
    }
}
