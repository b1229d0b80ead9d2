import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// Makes observations of entries as they were read: which entry each is, which container holds it, and what the DNs in
/// it name. A batch is looked up together.
actor EntryResolver {
    /// An entry that a search has found.
    struct Found: Sendable {
        var uuid: UUID
        var entry: LDAPEntry
    }

    let source: DirectorySource
    let identities: EntryIdentities
    /// Containers met in this reading, by the key of their place: those of the last three batches may not be committed yet.
    private var containers: [String: EntryID] = [:]
    /// Those that were met before these.
    private var earlierContainers: [String: EntryID] = [:]

    private static let containersMax = 3 * ContentSyncFeed.batchSize
    private var names = LDAPDNReader()
    /// Nil while only the state says what stands where.
    private var recent: RecentEntries?

    init(source: DirectorySource, identities: EntryIdentities) {
        self.source = source
        self.identities = identities
    }

    /// Until ``relyOnState()`` a reading goes ahead of the state, and what it has just found counts as well.
    func goAhead() { recent = RecentEntries() }

    /// All that was found is in the state, if it was imported. What was not is not there for the others.
    func relyOnState() { recent = nil }

    func observations(of found: [Found]) async throws -> [Observation] {
        // What was met long before, the index knows, too.
        if containers.count > Self.containersMax {
            earlierContainers = containers
            containers = [:]
        }
        recent?.beginBatch()
        var observations: [Observation] = []
        var candidates: [Candidate] = []
        let known = try await identities.identities(of: found.map(\.uuid))
        for item in found {
            let dn = try names.read(item.entry.dn)
            guard dn != source.base, let identity = known[item.uuid] else { continue }
            let candidate = Candidate(identity, dn, item.entry, source.access.mapping)
            // One that is not exported (any more) is not there for the others.
            if isImported(candidate) {
                observations.append(Observation(.absent(identity.id)))
            } else {
                candidates.append(candidate)
            }
        }
        try await identities.pair(&candidates)
        if source.stream == .hierarchy {
            for candidate in candidates { containers[candidate.dn.normalized] = candidate.id }
        }
        noteNamed(of: candidates)
        let standing = try await source.index.entries(at: keys(of: candidates))
        for candidate in candidates {
            let observation = try await observation(of: candidate, standing)
            if case .change(.upsert(let entry)) = observation.content {
                recent?.note(KnownEntry(id: entry.id, label: entry.label), at: candidate.place.key)
            }
            observations.append(observation)
        }
        return observations
    }

    private func isImported(_ candidate: Candidate) -> Bool {
        if Stamp.read(candidate.raw) != nil { return true }
        guard let importBase = source.access.importBase else { return false }
        return candidate.dn == importBase || candidate.dn.isDescendant(of: importBase)
    }

    /// Candidates that others of them name count before they are observed themselves.
    private func noteNamed(of candidates: [Candidate]) {
        guard recent != nil else { return }
        let named = Set(candidates.flatMap(\.targets.values))
        guard !named.isEmpty else { return }
        for candidate in candidates where named.contains(candidate.place.key) {
            guard let label = candidate.label(source.access.mapping) else { continue }
            recent?.note(KnownEntry(id: candidate.id, label: label), at: candidate.place.key)
        }
    }

    private func keys(of candidates: [Candidate]) -> [String] {
        var keys = Set(candidates.flatMap(\.targets.values).filter { recent?[$0] == nil })
        for parent in candidates.compactMap(\.parent) where parent != source.base {
            if met(parent.normalized) == nil { keys.insert(parent.normalized) }
        }
        return Array(keys)
    }

    private func met(_ key: String) -> EntryID? { containers[key] ?? earlierContainers[key] }

    private func observation(
        of candidate: Candidate, _ known: [String: KnownEntry]
    ) async throws -> Observation {
        var references: [ResolvedReference] = []
        let parent = try await parent(of: candidate, known, &references)
        var named: [String: KnownEntry] = [:]
        for key in Set(candidate.targets.values) {
            named[key] = recent?[key] ?? known[key]
            // An entry that its content is made from may be above it.
            references.removeAll { $0.place == key }
            references.append(ResolvedReference(place: key, found: named[key]))
        }
        let home = HomePlacement(
            organization: candidate.id.organization, parent: parent?.uuid,
            name: candidate.dn.rdn?.name ?? Value(""))
        let mapped = source.access.mapping.entry(from: candidate.raw, at: home) { target in
            candidate.targets[target].flatMap { named[$0] }.map { Reference(id: $0.id, label: $0.label) }
        }
        guard let mapped else { return Observation(.absent(candidate.id)) }
        return Observation(
            .change(.upsert(mapped)), place: candidate.place, replacedBy: candidate.identity.replacedBy,
            references: references)
    }

    /// The exported container that holds the entry: its parent, or the nearest one above that is exported. What is on
    /// the way there is remembered: when a container appears, goes or moves, the entry is read again.
    private func parent(
        of candidate: Candidate, _ known: [String: KnownEntry], _ references: inout [ResolvedReference]
    ) async throws -> EntryID? {
        var ancestor = candidate.parent
        var isDirect = true
        while let container = ancestor, container != source.base {
            let key = container.normalized
            var id = met(key)
            if id == nil { id = isDirect ? known[key]?.id : try await source.index.entries(at: [key])[key]?.id }
            references.append(
                ResolvedReference(place: key, found: id.map { KnownEntry(id: $0, label: "") }, showsLabel: false))
            if let id { return id }
            isDirect = false
            ancestor = container.parent
        }
        return nil
    }
}

/// An entry that may be exported, on its way to an observation.
struct Candidate {
    private(set) var identity: EntryIdentity
    let dn: LDAPDN
    let parent: LDAPDN?
    /// As the server writes it.
    let place: Place
    private(set) var raw: DirectoryEntry
    /// The keys of the places that DNs in the entry name.
    let targets: [String: String]

    var id: EntryID { identity.id }

    init(_ identity: EntryIdentity, _ dn: LDAPDN, _ entry: LDAPEntry, _ mapping: Mapping) {
        self.identity = identity
        self.dn = dn
        parent = dn.parent
        place = Place(key: dn.normalized, text: entry.dn)
        raw = DirectoryEntry(entry, uuid: identity.id.uuid)
        var targets: [String: String] = [:]
        for target in mapping.references(in: raw) { targets[target] = try? LDAPDN(target).normalized }
        self.targets = targets
    }

    /// The entry is the one that had this ID before.
    mutating func replaces(_ id: EntryID) {
        identity = EntryIdentity(id: id, replacedBy: identity.uuid)
        raw.uuid = id.uuid
    }

    /// What a person would call it; nil if an address book does not show it.
    func label(_ mapping: Mapping) -> String? {
        let home = HomePlacement(organization: id.organization, parent: nil, name: dn.rdn?.name ?? Value(""))
        return mapping.entry(from: raw, at: home) { _ in nil }?.label
    }
}

extension LDAPDN.RDN {
    /// What tells an entry from its neighbours. Of several values that is the `uid`; without one it is all of them.
    fileprivate var name: Value {
        if attributeValues.count == 1 { return Value(attributeValues[0].value) }
        if let uid = attributeValues.first(where: { $0.type.lowercased() == "uid" }) { return Value(uid.value) }
        let sorted = attributeValues.sorted { $0.type.lowercased() < $1.type.lowercased() }
        return Value(Array(sorted.map(\.value).joined(separator: Array("+".utf8))))
    }
}
