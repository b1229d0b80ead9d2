import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// Writes one entry: looks at what is there, plans, and sends no more operations than needed.
struct EntryWriter: Sendable {
    let access: DirectoryAccess
    let importBase: LDAPDN
    let session: DirectoryCollector.Session

    private var connection: LDAPConnection { session.connection }
    private var mapping: Mapping { access.mapping }

    /// - Parameters:
    ///   - container: the DN that it belongs under.
    ///   - hint: where it should stand so far; nil if the directory does not have it.
    func write(_ entry: Entry, in container: LDAPDN, members: [Value], hint: Place?) async throws -> Outcome {
        try await outcome {
            if let hint, let current = try await find(entry.id, at: hint, kind: entry.kind) {
                return try await update(current, to: entry, in: container, members: members, formerly: hint)
            }
            return try await add(entry, in: container, members: members, suffix: nil)
        }
    }

    func delete(_ id: EntryID, hint: Place?) async throws -> Outcome {
        try await outcome {
            guard let hint, let current = try await find(id, at: hint, kind: .container) else {
                return .unchanged(place: nil)
            }
            try await connection.delete(dn: current.dn)
            return .imported(place: nil)
        }
    }

    // MARK: - Finding

    /// The entry with this stamp: where it should be, else wherever it is below the import base.
    private func find(_ id: EntryID, at place: Place, kind: Entry.Kind) async throws -> DirectoryEntry? {
        let attributes =
            ["objectClass"] + Stamp.attributes + mapping.managedAttributes(for: kind, schema: session.schema)
        if let found = try await connection.entry(dn: place.text, attributes: attributes) {
            let raw = DirectoryEntry(found)
            if Stamp.read(raw) == id { return raw }
        }
        let assertion = Stamp.assertion(id, schema: session.schema)
        let found = try await connection.entries(
            base: importBase.string(),
            filter: "(\(assertion.attribute)=\(LDAPFilter.escape(assertion.value.bytes)))", attributes: attributes)
        return found.map { DirectoryEntry($0) }.first { Stamp.read($0) == id }
    }

    // MARK: - Adding

    private func add(
        _ entry: Entry, in container: LDAPDN, members: [Value], suffix: String?
    ) async throws -> Outcome {
        let desired = desired(entry, in: container, members: members, suffix: suffix)
        let dn = try dn(of: desired, in: container)
        do {
            try await connection.add(dn: dn.string(), attributes: attributes(of: desired))
            return try placed(dn, suffix: suffix)
        } catch LDAPResultCode.entryAlreadyExists {
            // Written before an interruption, or under another name since; or another entry has the name.
            if let current = try await find(entry.id, at: dn.place, kind: entry.kind) {
                return try await update(current, to: entry, in: container, members: members, formerly: nil)
            }
            guard suffix == nil else { return .refused(reason: "add \(dn): its name and \(dn) are both taken") }
            try await refuseForeign(dn)
            return try await add(entry, in: container, members: members, suffix: Self.suffix(of: entry.id))
        }
    }

    /// What adds an entry that the directory does not have: its RDN and its attributes.
    func addition(
        of entry: Entry, in container: Place, members: [Value]
    ) throws -> (rdn: LDAPDN.RDN, attributes: [LDAPAttribute]) {
        var desired = mapping.desired(entry, schema: session.schema, members: members)
        let rdn = try rdn(of: desired)
        if entry.kind == .group, members.isEmpty { desired.holdItself(as: try container.appending(rdn).text) }
        return (rdn, attributes(of: desired))
    }

    private func attributes(of desired: DesiredEntry) -> [LDAPAttribute] {
        [LDAPAttribute("objectClass", desired.objectClasses.map { Array($0.utf8) })]
            + desired.attributes.map { LDAPAttribute($0.name, $0.values.map(\.bytes)) }
    }

    /// An entry that is not ours is never written over.
    private func refuseForeign(_ dn: LDAPDN) async throws {
        let occupant = try await connection.entry(dn: dn.string(), attributes: Stamp.attributes)
        if let occupant, Stamp.read(DirectoryEntry(occupant)) == nil { throw ForeignEntry(dn: dn.description) }
    }

    // MARK: - Updating

    /// - Parameter formerly: where the entry stood when an import of it was last committed.
    private func update(
        _ current: DirectoryEntry, to entry: Entry, in container: LDAPDN, members: [Value], formerly: Place?
    ) async throws -> Outcome {
        var desired = desired(entry, in: container, members: members, suffix: nil)
        var target = try dn(of: desired, in: container)
        let here = try LDAPDN(current.dn)
        var suffix: String?
        var isRenamed = false
        if here != target {
            do {
                try await rename(current.dn, here, to: target)
                isRenamed = true
            } catch LDAPResultCode.entryAlreadyExists {
                try await refuseForeign(target)
                suffix = Self.suffix(of: entry.id)
                desired = self.desired(entry, in: container, members: members, suffix: suffix)
                target = try dn(of: desired, in: container)
                if here != target {
                    try await rename(current.dn, here, to: target)
                    isRenamed = true
                }
            }
        }
        if isRenamed { try await renameInGroups(here, to: target, kind: entry.kind) }
        try await finishRename(from: formerly, of: here, to: target, kind: entry.kind)
        do {
            // A rename has changed the attribute that names the entry.
            let actual = isRenamed ? try await find(entry.id, at: target.place, kind: entry.kind) ?? current : current
            let isModified = try await modify(actual, at: target, to: desired, kind: entry.kind)
            if suffix == nil, !isRenamed, !isModified { return .unchanged(place: try target.place) }
            return try placed(target, suffix: suffix)
        } catch let error as LDAPError where isRenamed && !error.isTransient {
            // It stands at its new place, whatever else it lacks.
            return .incomplete(place: try target.place, reason: error.description)
        }
    }

    /// An earlier attempt may have been interrupted between the rename and the groups. Where another entry stands by now,
    /// that one is meant.
    private func finishRename(
        from formerly: Place?, of here: LDAPDN, to target: LDAPDN, kind: Entry.Kind
    ) async throws {
        guard let old = try formerly.map({ try LDAPDN($0.text) }), old != here, old != target,
            try await connection.entry(dn: old.string(), attributes: ["1.1"]) == nil
        else { return }
        try await renameInGroups(old, to: target, kind: kind)
    }

    private func rename(_ dn: String, _ here: LDAPDN, to target: LDAPDN) async throws {
        guard let rdn = target.rdn else { return }
        let superior = try here.parent == target.parent ? nil : target.parent?.string()
        // Taken away together with the name, the only `cn` of a person would be missing; if it is not wanted any more,
        // the modification that follows removes it.
        let oldType = here.rdn?.attributeValues.first?.type.lowercased()
        let hasSameType = oldType == rdn.attributeValues.first?.type.lowercased()
        try await connection.rename(dn: dn, newRDN: rdn.description, deleteOldRDN: hasSameType, newSuperior: superior)
    }

    /// Minimal modifications: exact old values deleted and new ones added, so that another administrator's change is
    /// not run over.
    ///
    /// - Returns: whether there was anything to modify.
    private func modify(
        _ current: DirectoryEntry, at dn: LDAPDN, to desired: DesiredEntry, kind: Entry.Kind
    ) async throws -> Bool {
        let modifications = Modifications.plan(
            from: current, to: desired, managed: mapping.managedAttributes(for: kind, schema: session.schema))
        guard !modifications.isEmpty else { return false }
        try await connection.modify(dn: dn.string(), modifications)
        return true
    }

    /// Imported groups that name the entry, or entries below a container, by its old DN name it by the new one.
    private func renameInGroups(_ old: LDAPDN, to new: LDAPDN, kind: Entry.Kind) async throws {
        let filter =
            kind == .container
            ? "(objectClass=groupOfNames)" : "(member=\(LDAPFilter.escape(old.description)))"
        let groups = try await connection.entries(
            base: importBase.string(), filter: filter, attributes: ["member"] + Stamp.attributes)
        for group in groups where Stamp.read(DirectoryEntry(group)) != nil {
            for value in group["member"] {
                guard let member = try? LDAPDN(String(decoding: value, as: UTF8.self)),
                    member == old || member.isDescendant(of: old)
                else { continue }
                let moved = new.rdns.reversed() + member.rdns.dropLast(old.rdns.count).reversed()
                let name = moved.reduce(LDAPDN.root) { $0.appending($1) }
                try await renameMember(value, to: name, in: group)
            }
        }
    }

    private func renameMember(_ old: [UInt8], to new: LDAPDN, in group: LDAPEntry) async throws {
        let isThere = group["member"].contains { (try? LDAPDN(String(decoding: $0, as: UTF8.self))) == new }
        var modifications = [LDAPModification(.delete, "member", [old])]
        if !isThere { modifications.append(LDAPModification(.add, "member", new.description)) }
        do {
            try await connection.modify(dn: group.dn, modifications)
        } catch LDAPResultCode.noSuchAttribute {
            // Somebody else was faster.
        }
    }

    // MARK: - Names

    private func desired(_ entry: Entry, in container: LDAPDN, members: [Value], suffix: String?) -> DesiredEntry {
        var desired = mapping.desired(entry, schema: session.schema, members: members, suffix: suffix)
        if entry.kind == .group, members.isEmpty, let own = try? dn(of: desired, in: container) {
            desired.holdItself(as: own.description)
        }
        return desired
    }

    /// Where the entry belongs, if no other has its name.
    func target(of entry: Entry, in container: LDAPDN) throws -> LDAPDN {
        try dn(of: desired(entry, in: container, members: [], suffix: nil), in: container)
    }

    private func dn(of desired: DesiredEntry, in container: LDAPDN) throws -> LDAPDN {
        container.appending(try rdn(of: desired))
    }

    private func rdn(of desired: DesiredEntry) throws -> LDAPDN.RDN {
        try LDAPDN.RDN([LDAPDN.AttributeValue(type: desired.rdnAttribute, value: desired.rdnValue.bytes)])
    }

    /// Tells two entries apart that want one DN; the same at every time and in every directory.
    private static func suffix(of id: EntryID) -> String {
        "~" + id.uuid.text.prefix(8)
    }

    private func placed(_ dn: LDAPDN, suffix: String?) throws -> Outcome {
        guard suffix != nil else { return .imported(place: try dn.place) }
        return .incomplete(place: try dn.place, reason: "another entry has its name, so it stands at \(dn) for now")
    }

    // MARK: - Results

    private struct ForeignEntry: Error {
        var dn: String
    }

    /// One bad entry is one problem; a server that cannot be used stops the batch.
    private func outcome(_ body: () async throws -> Outcome) async throws -> Outcome {
        do {
            return try await body()
        } catch let error as ForeignEntry {
            return .refused(reason: "\(error.dn): an entry that is not ours stands there; rename or remove it")
        } catch let error as LDAPError {
            if error.isTransient { throw error }
            switch error.code {
            case .noSuchObject, .notAllowedOnNonLeaf: return .waiting(reason: error.description)
            default: return .refused(reason: error.description)
            }
        }
    }
}

extension DesiredEntry {
    /// groupOfNames requires a member (RFC 4519, section 3.5): a group of nobody holds itself.
    fileprivate mutating func holdItself(as dn: String) {
        guard let index = attributes.firstIndex(where: { $0.name == "member" }) else { return }
        attributes[index].values = [Value(dn)]
    }
}
