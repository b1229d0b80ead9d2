import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Imported groups name their members by DN. When entries are renamed, groups that did not change themselves have to name
/// them by the new one.
struct GroupMembers {
    struct Move: Sendable {
        var old: LDAPDN
        var new: LDAPDN
        /// What lies below it has moved as well.
        var isContainer: Bool
    }

    let session: ImportSession

    /// So many names are looked for in one search.
    private static let soughtTogether = 50

    func rename(_ moves: [Move]) async throws {
        guard !moves.isEmpty else { return }
        let leaves = moves.filter { !$0.isContainer }
        for start in stride(from: 0, to: leaves.count, by: Self.soughtTogether) {
            let part = leaves[start..<min(start + Self.soughtTogether, leaves.count)]
            let names = part.map { "(member=\(LDAPFilter.escape($0.old.description)))" }.joined()
            try await rename(Array(part), inGroups: "(|\(names))")
        }
        let containers = moves.filter(\.isContainer)
        if !containers.isEmpty { try await rename(containers, inGroups: "(objectClass=groupOfNames)") }
    }

    /// An earlier attempt may have been interrupted between the rename and the groups. Where another entry stands by now,
    /// that one is meant.
    func finishRenames(of plans: [EntryPlan]) async throws {
        var moves: [Move] = []
        for plan in plans {
            guard let hint = plan.wish.hint, let here = plan.here, hint.key != here.normalized,
                hint.key != plan.placement.place.key,
                try await session.connection.entry(dn: hint.text, attributes: ["1.1"]) == nil
            else { continue }
            moves.append(
                Move(old: try LDAPDN(hint.text), new: here, isContainer: plan.wish.entry.kind == .container))
        }
        try await rename(moves)
    }

    private func rename(_ moves: [Move], inGroups filter: String) async throws {
        let groups = try await session.connection.entries(
            base: session.rules.base.string(), filter: filter, attributes: ["member"] + Stamp.attributes)
        let byName = Dictionary(moves.map { ($0.old, $0.new) }, uniquingKeysWith: { first, _ in first })
        for group in groups where Stamp.read(DirectoryEntry(group)) != nil {
            var renamed: [(old: [UInt8], new: LDAPDN)] = []
            var names: Set<LDAPDN> = []
            for value in group["member"] {
                guard let member = try? LDAPDN(String(decoding: value, as: UTF8.self)) else { continue }
                names.insert(member)
                if let new = byName[member] {
                    renamed.append((value, new))
                } else if let move = moves.first(where: { $0.isContainer && member.isDescendant(of: $0.old) }) {
                    renamed.append((value, member.moved(from: move.old, to: move.new)))
                }
            }
            try await rename(renamed, among: names, in: group.dn)
        }
    }

    private func rename(
        _ renamed: [(old: [UInt8], new: LDAPDN)], among names: Set<LDAPDN>, in group: String
    ) async throws {
        guard !renamed.isEmpty else { return }
        let added = renamed.map(\.new).filter { !names.contains($0) }.map { Array($0.description.utf8) }
        var modifications = [LDAPModification(.delete, "member", renamed.map(\.old))]
        if !added.isEmpty { modifications.append(LDAPModification(.add, "member", added)) }
        do {
            try await session.connection.modify(dn: group, modifications)
        } catch LDAPResultCode.noSuchAttribute, LDAPResultCode.attributeOrValueExists {
            // Somebody else was faster with some of them: the server's refint overlay, say.
            guard renamed.count > 1 else { return }
            for one in renamed { try await rename([one], among: names, in: group) }
        }
    }
}

extension LDAPDN {
    /// The name of an entry below a container after the container has got another one.
    fileprivate func moved(from old: LDAPDN, to new: LDAPDN) -> LDAPDN {
        rdns.dropLast(old.rdns.count).reversed().reduce(new) { $0.appending($1) }
    }
}
