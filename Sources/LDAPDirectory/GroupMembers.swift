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

    /// A member of a group that is to have another name there.
    private struct Renamed {
        /// As the group has it.
        var value: [UInt8]
        var name: LDAPDN
        /// Why.
        var move: Move
    }

    typealias Refusals = [LDAPDN: LDAPError]

    let session: ImportSession

    /// So many names are looked for in one search.
    private static let soughtTogether = 50

    /// Where the server does not let a group be changed, the entry gets its old name back: another one may want that, and
    /// would be taken for the member.
    ///
    /// - Returns: why groups go on naming entries by their old names, by these.
    func rename(_ moves: [Move]) async throws -> Refusals {
        let refusals = try await renameEverywhere(moves)
        for move in moves where refusals[move.old] != nil { try await takeBack(move) }
        return refusals
    }

    private func takeBack(_ move: Move) async throws {
        guard let rdn = move.old.rdn else { return }
        do {
            try await session.writer.rename(
                dn: move.new.string(), newRDN: rdn.description, deleteOldRDN: false,
                newSuperior: move.old.parent == move.new.parent ? nil : move.old.parent?.string())
        } catch let error as LDAPError where !error.isTransient {
            // It stays where it is, and the groups are looked after when it is tried again.
            return
        }
        _ = try await renameEverywhere([Move(old: move.new, new: move.old, isContainer: move.isContainer)])
    }

    private func renameEverywhere(_ moves: [Move]) async throws -> Refusals {
        guard !moves.isEmpty else { return [:] }
        var refusals: Refusals = [:]
        let leaves = moves.filter { !$0.isContainer }
        for start in stride(from: 0, to: leaves.count, by: Self.soughtTogether) {
            let part = leaves[start..<min(start + Self.soughtTogether, leaves.count)]
            let names = part.map { "(member=\(LDAPFilter.escape($0.old.description)))" }.joined()
            try await rename(Array(part), inGroups: "(|\(names))", &refusals)
        }
        let containers = moves.filter(\.isContainer)
        if !containers.isEmpty { try await rename(containers, inGroups: "(objectClass=groupOfNames)", &refusals) }
        return refusals
    }

    /// The move that was interrupted between the rename and the groups, if there is one. Where another entry stands by now,
    /// that one is meant.
    func unfinished(from recorded: Place, to here: LDAPDN, isContainer: Bool) async throws -> Move? {
        guard recorded.key != here.normalized,
            try await session.reader.entry(dn: recorded.text, attributes: ["1.1"]) == nil
        else { return nil }
        return Move(old: try LDAPDN(recorded.text), new: here, isContainer: isContainer)
    }

    private func rename(_ moves: [Move], inGroups filter: String, _ refusals: inout Refusals) async throws {
        let groups = try session.reader.search(
            base: session.rules.base.string(), filter: filter, attributes: ["member"] + Stamp.attributes)
        let byName = Dictionary(moves.map { ($0.old, $0) }, uniquingKeysWith: { first, _ in first })
        for try await case .entry(let group) in groups where Stamp.read(DirectoryEntry(group)) != nil {
            var renamed: [Renamed] = []
            var names: Set<LDAPDN> = []
            for value in group["member"] {
                guard let member = try? LDAPDN(String(decoding: value, as: UTF8.self)) else { continue }
                names.insert(member)
                let move = byName[member] ?? moves.first { $0.isContainer && member.isDescendant(of: $0.old) }
                guard let move else { continue }
                renamed.append(Renamed(value: value, name: member.moved(from: move.old, to: move.new), move: move))
            }
            do {
                try await rename(renamed, among: names, in: group.dn)
            } catch let error as LDAPError where !error.isTransient {
                for one in renamed { refusals[one.move.old] = error }
            }
        }
    }

    private func rename(_ renamed: [Renamed], among names: Set<LDAPDN>, in group: String) async throws {
        guard !renamed.isEmpty else { return }
        let added = renamed.map(\.name).filter { !names.contains($0) }.map { Array($0.description.utf8) }
        var modifications = [LDAPModification(.delete, "member", renamed.map(\.value))]
        if !added.isEmpty { modifications.append(LDAPModification(.add, "member", added)) }
        do {
            try await session.writer.modify(dn: group, modifications)
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
