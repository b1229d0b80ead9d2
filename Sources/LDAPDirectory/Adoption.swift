import AddressBook
import DirectoryMapping
import LDAPClient

/// Finds the entries that are there already, and are nobody's, for entries that are about to be added.
struct Adoption {
    /// What is there of an entry.
    struct Found {
        var wish: Wish
        /// Nil: nothing is.
        var current: Result<DirectoryEntry?, UnfitEntry>
    }

    /// Both must have a value of it in common.
    let attribute: String
    let session: ImportSession

    /// So many entries are looked for in one search.
    private static let soughtTogether = 50

    init(by attribute: String, in session: ImportSession) {
        self.attribute = attribute
        self.session = session
    }

    func find(_ wishes: [Wish]) async throws -> [Found] {
        let parts = stride(from: 0, to: wishes.count, by: Self.soughtTogether).map {
            Array(wishes[$0..<min($0 + Self.soughtTogether, wishes.count)])
        }
        var adopted: Set<String> = []
        var found: [Found] = []
        for (part, candidates) in zip(parts, try await session.inFlight(parts) { try await search($0) }) {
            // The lower ID first: who adopts does not depend on who comes first.
            for wish in part.sorted(by: { $0.id < $1.id }) {
                if let own = candidates.first(where: { Stamp.read($0) == wish.id }) {
                    var wish = wish
                    wish.hint = try LDAPDN(own.dn).place
                    found.append(Found(wish: wish, current: .success(own)))
                    continue
                }
                let values = keys(of: wish)
                let matching = candidates.filter { candidate in
                    !adopted.contains(candidate.dn) && Stamp.read(candidate) == nil
                        && candidate[attribute].contains { values.contains(Self.key($0)) }
                }
                if matching.count == 1 { adopted.insert(matching[0].dn) }
                found.append(Found(wish: wish, current: choose(matching, for: wish)))
            }
        }
        return found
    }

    private func choose(_ matching: [DirectoryEntry], for wish: Wish) -> Result<DirectoryEntry?, UnfitEntry> {
        guard matching.count > 1 else { return .success(matching.first) }
        let names = matching.map(\.dn).sorted().prefix(5).joined(separator: "; ")
        return .failure(
            UnfitEntry(
                reason: "adopt \(wish.entry.label): \(matching.count) entries have its \(attribute): \(names); "
                    + "leave the value with the one that is meant"))
    }

    /// The entries that have one of the values, or that were adopted before something was refused.
    private func search(_ wishes: [Wish]) async throws -> [DirectoryEntry] {
        let values = Set(wishes.flatMap { keys(of: $0) }).sorted { $0.lexicographicallyPrecedes($1) }
        let stamps = wishes.map { Stamp.assertion($0.id, schema: session.planner.schema) }
        let assertions = values.map { (attribute, $0) } + stamps.map { ($0.attribute, $0.value.bytes) }
        let sought = assertions.map { "(\($0)=\(LDAPFilter.escape($1)))" }.joined()
        let attributes = Set(wishes.flatMap { session.planner.attributes(for: $0.entry.kind) } + [attribute])
        let found = try await session.reader.entries(
            base: session.rules.base.string(), filter: "(|\(sought))", attributes: attributes.sorted())
        return found.map { DirectoryEntry($0) }
    }

    private func keys(of wish: Wish) -> Set<[UInt8]> {
        Set(session.planner.values(of: attribute, in: wish).map(Self.key))
    }

    /// Letter case does not tell two mail addresses, or names, apart.
    private static func key(_ value: Value) -> [UInt8] {
        value.text.map { Array($0.lowercased().utf8) } ?? value.bytes
    }
}
