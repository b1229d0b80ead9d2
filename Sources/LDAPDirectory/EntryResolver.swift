import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// Makes observations of entries as they were read: which container holds each, and what the DNs in it name. A batch is
/// looked up together.
actor EntryResolver {
    /// An entry that a search has found.
    struct Found: Sendable {
        var id: EntryID
        var entry: LDAPEntry
    }

    let source: DirectorySource
    /// The containers met in this reading, by the key of their place; some may not be committed yet.
    private var containers: [String: UUID] = [:]

    init(source: DirectorySource) {
        self.source = source
    }

    /// An entry that may be exported, on its way to an observation.
    private struct Candidate {
        var id: EntryID
        var dn: LDAPDN
        var raw: DirectoryEntry
        /// The keys of the places that DNs in the entry name.
        var targets: [String: String]
    }

    func observations(of found: [Found]) async throws -> [Observation] {
        var observations: [Observation] = []
        var candidates: [Candidate] = []
        for item in found {
            let dn = try LDAPDN(item.entry.dn)
            guard dn != source.base else { continue }
            var raw = DirectoryEntry(item.entry)
            raw.uuid = item.id.uuid
            // One that is not exported (any more) is not there for the others.
            if isImported(dn, raw) {
                observations.append(Observation(.absent(item.id)))
                continue
            }
            var targets: [String: String] = [:]
            for target in source.access.mapping.references(in: raw) {
                targets[target] = try? LDAPDN(target).normalized
            }
            candidates.append(Candidate(id: item.id, dn: dn, raw: raw, targets: targets))
            if source.stream == .hierarchy { containers[dn.normalized] = item.id.uuid }
        }
        let known = try await source.index.entries(at: keys(of: candidates))
        for candidate in candidates { observations.append(try await observation(of: candidate, known)) }
        return observations
    }

    private func isImported(_ dn: LDAPDN, _ raw: DirectoryEntry) -> Bool {
        if Stamp.read(raw) != nil { return true }
        guard let importBase = source.access.importBase else { return false }
        return dn == importBase || dn.isDescendant(of: importBase)
    }

    private func keys(of candidates: [Candidate]) -> [String] {
        var keys = Set(candidates.flatMap(\.targets.values))
        for parent in candidates.compactMap(\.dn.parent) where parent != source.base {
            if containers[parent.normalized] == nil { keys.insert(parent.normalized) }
        }
        return Array(keys)
    }

    private func observation(
        of candidate: Candidate, _ known: [String: KnownEntry]
    ) async throws -> Observation {
        var references: [ResolvedReference] = []
        let parent = try await parent(of: candidate.dn, known, &references)
        for key in Set(candidate.targets.values).sorted() {
            references.append(ResolvedReference(place: key, found: known[key]))
        }
        let home = HomePlacement(
            organization: candidate.id.organization, parent: parent,
            name: candidate.dn.rdn?.name ?? Value(""))
        let mapped = source.access.mapping.entry(from: candidate.raw, at: home) { target in
            candidate.targets[target].flatMap { known[$0] }.map { Reference(id: $0.id, label: $0.label) }
        }
        guard let mapped else { return Observation(.absent(candidate.id)) }
        return Observation(.change(.upsert(mapped)), place: try candidate.dn.place, references: references)
    }

    /// The exported container that holds the entry: its parent, or the nearest one above that is exported. If that is
    /// not the parent itself, a parent that appears later makes the entry be read again.
    private func parent(
        of dn: LDAPDN, _ known: [String: KnownEntry], _ references: inout [ResolvedReference]
    ) async throws -> UUID? {
        var ancestor = dn.parent
        var isDirect = true
        while let container = ancestor, container != source.base {
            let key = container.normalized
            if let uuid = containers[key] { return uuid }
            let found = isDirect ? known[key] : try await source.index.entries(at: [key])[key]
            if let found {
                containers[key] = found.id.uuid
                return found.id.uuid
            }
            if isDirect { references.append(ResolvedReference(place: key, found: nil)) }
            isDirect = false
            ancestor = container.parent
        }
        return nil
    }
}

extension LDAPDN.RDN {
    /// What tells an entry from its neighbours. Of several values that is the `uid`; without one it is all of them.
    fileprivate var name: Value {
        if let uid = attributeValues.first(where: { $0.type.lowercased() == "uid" }) { return Value(uid.value) }
        let sorted = attributeValues.sorted { $0.type.lowercased() < $1.type.lowercased() }
        return Value(Array(sorted.map(\.value).joined(separator: Array("+".utf8))))
    }
}
