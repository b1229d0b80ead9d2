import AddressBook
import DirectoryMapping
import IncrementalSync
import LDAPClient

/// Imported entries that the directory has and the state does not know: written just before the process was killed, or
/// after the backup that the state was restored from. Adding one again, under a name that it has got since, would double it.
///
/// One for all collectors of a process. It looks once, when the first entry that nobody knows is about to be written:
/// from then on this process is the only one that writes.
public actor StrayEntries {
    private var places: [EntryID: Place]?
    /// Where the entries of the batch that was written last stand: it may not have been committed, and the batch after it
    /// may depend on it.
    private var written: [EntryID: Place] = [:]
    /// False if there are more than are kept, or than the server shows: then each entry has to be looked for by itself.
    private var isWhole = true
    /// How many entries the last look has found where they should be, and without a problem.
    private var settled = 0

    /// About 250 bytes each.
    private static let countMax = 50_000
    private static let lookedUpTogether = 500
    private static let limits: [LDAPResultCode] = [.sizeLimitExceeded, .timeLimitExceeded, .adminLimitExceeded]

    public init() {}

    /// What is known now may be less than there is: an import has ended with an error.
    func forget() {
        places = nil
    }

    func note(written: [EntryID: Place]) {
        self.written = written
    }

    /// Those of the batch that was written last.
    func justWritten(of ids: some Sequence<EntryID>) -> [EntryID: Place] {
        Dictionary(ids.compactMap { id in written[id].map { (id, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    /// Where those of the entries stand that are strays.
    func places(
        of ids: [EntryID], in session: ImportSession, index: any PlaceIndex
    ) async throws -> [EntryID: Place] {
        let strays = if let places { places } else { try await survey(session, index).unknown }
        places = strays
        var found: [EntryID: Place] = [:]
        for id in ids {
            found[id] = written[id] ?? strays[id]
            guard found[id] == nil, !isWhole else { continue }
            found[id] = try await session.find(id, at: nil, attributes: Stamp.attributes).map {
                try LDAPDN($0.dn).place
            }
        }
        return found
    }

    func surveyAnew(_ session: ImportSession, _ index: any PlaceIndex) async throws -> DestinationSurvey {
        var survey = try await survey(session, index)
        places = survey.unknown
        // What was not looked at may be there.
        if isWhole { survey.lacksEntries = try await settled < index.settledCount(of: nil) }
        return survey
    }

    /// Looks through everything below the import base.
    private func survey(_ session: ImportSession, _ index: any PlaceIndex) async throws -> DestinationSurvey {
        var strays: [EntryID: Place] = [:]
        settled = 0
        var batch: [EntryID: Place] = [:]
        isWhole = true
        do {
            let search = try session.reader.search(
                base: session.rules.base.string(), filter: Stamp.presence(schema: session.planner.schema),
                attributes: Stamp.attributes)
            for try await case .entry(let entry) in search {
                guard let id = Stamp.read(DirectoryEntry(entry)) else { continue }
                batch[id] = try LDAPDN(entry.dn).place
                guard batch.count == Self.lookedUpTogether else { continue }
                strays.merge(try await unknown(of: batch, index)) { first, _ in first }
                batch = [:]
                guard strays.count < Self.countMax else {
                    isWhole = false
                    break
                }
            }
        } catch let error as LDAPError where Self.limits.contains(error.code) {
            isWhole = false
        }
        strays.merge(try await unknown(of: batch, index)) { first, _ in first }
        return DestinationSurvey(unknown: strays)
    }

    private func unknown(of found: [EntryID: Place], _ index: any PlaceIndex) async throws -> [EntryID: Place] {
        let known = try await index.places(of: Array(found.keys))
        settled += try await index.settledCount(of: Array(found.keys))
        return found.filter { known[$0.key] == nil }
    }
}
