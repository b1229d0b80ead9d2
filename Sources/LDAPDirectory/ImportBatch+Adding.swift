import AddressBook
import DirectoryMapping
import Foundation
import IncrementalSync
import LDAPClient

/// Entries that the directory does not have are sent together, in a transaction if they may: most of an import is these.
extension ImportBatch {
    /// An entry on its way.
    private struct Addition {
        var index: Int
        var entry: Entry
        var place: Place
        var write: LDAPWrite
        /// How many of a group's members are not here yet.
        var missingMembers: Int
    }

    /// Fewer than this in a transaction gain little; and slapd (2.5) can crash when a small one ends at once.
    static let transactionCountMin = 500
    /// slapd may still be answering the last operation when the end comes, and the end frees it.
    private static let settlingPause = Duration.milliseconds(8)
    /// Down to this, the refused one of a transaction is looked for by halves.
    private static let bisectedCountMin = 125

    func addTogether(_ entries: Numbered<Entry>) async throws -> Numbered<Outcome> {
        var outcomes: Numbered<Outcome> = []
        var additions: [Addition] = []
        var containers: [UUID?: Place] = [:]
        for (index, entry) in entries {
            switch try addition(of: entry, index, &containers) {
            case .success(let addition): additions.append(addition)
            case .failure(let impossible): outcomes.append((index, impossible.outcome))
            }
        }
        if additions.count >= Self.transactionCountMin, session.hasTransactions {
            return outcomes + (try await addInTransaction(additions[...]))
        }
        return outcomes + (try await addOneByOne(additions[...]))
    }

    private struct Impossible: Error {
        var outcome: Outcome
    }

    private func addition(
        of entry: Entry, _ index: Int, _ containers: inout [UUID?: Place]
    ) throws -> Result<Addition, Impossible> {
        if let outcome = unwritable(entry) { return .failure(Impossible(outcome: outcome)) }
        // Organizations have containers of their own, so only those of one parent share a key.
        let key = entry.parent ?? entry.id.organization.uuid
        if containers[key] == nil { containers[key] = try containerPlace(of: entry) }
        guard let container = containers[key] else { return .failure(Impossible(outcome: withoutContainer(entry))) }
        let (members, missing) = members(of: entry)
        do {
            let (rdn, attributes) = try writer.addition(of: entry, in: container, members: members)
            let place = try container.appending(rdn)
            return .success(
                Addition(
                    index: index, entry: entry, place: place, write: .add(dn: place.text, attributes: attributes),
                    missingMembers: missing))
        } catch let error as LDAPError {
            return .failure(Impossible(outcome: .refused(reason: error.description)))
        }
    }

    /// Many at a time. What the server does not simply take is looked at by itself.
    private func addOneByOne(_ additions: ArraySlice<Addition>) async throws -> Numbered<Outcome> {
        let results = try await session.connection.perform(additions.map(\.write))
        var outcomes: Numbered<Outcome> = []
        for (addition, result) in zip(additions, results) {
            switch result {
            case .success: outcomes.append((addition.index, outcome(of: addition)))
            case .failure(let error) where error.isTransient: throw error
            case .failure: outcomes.append((addition.index, try await importEntry(addition.entry)))
            }
        }
        return outcomes
    }

    /// All or none; if none, the halves.
    private func addInTransaction(_ additions: ArraySlice<Addition>) async throws -> Numbered<Outcome> {
        guard additions.count > Self.bisectedCountMin else { return try await addOneByOne(additions) }
        let connection = session.connection
        let transaction = try await connection.startTransaction()
        let taken = try await connection.perform(additions.map(\.write), in: transaction)
        if let lost = taken.lazy.compactMap(\.error).first(where: \.isTransient) { throw lost }
        try await Task.sleep(for: Self.settlingPause)
        let isWhole = taken.allSatisfy { $0.error == nil }
        do {
            try await connection.end(transaction, commit: isWhole)
            if isWhole { return additions.map { ($0.index, outcome(of: $0)) } }
        } catch let error as LDAPError where !error.isTransient {
            // One of them was refused.
        }
        let middle = additions.startIndex + additions.count / 2
        return try await addInTransaction(additions[..<middle]) + addInTransaction(additions[middle...])
    }

    private func outcome(of addition: Addition) -> Outcome {
        incomplete(.imported(place: addition.place), addition.entry, missing: addition.missingMembers)
    }
}

extension Result {
    fileprivate var error: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}

extension Place {
    /// The place of an entry directly below this one.
    func appending(_ rdn: LDAPDN.RDN) throws -> Place {
        let child = LDAPDN.root.appending(rdn)
        return Place(key: child.normalized + "," + key, text: try child.string() + "," + text)
    }
}
