import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import SQLiteStore

/// How a service stands, read from its store; a running agent is not disturbed.
public struct StatusReport: Sendable, Codable {
    /// One organization of the exchange.
    public struct OrganizationStatus: Sendable, Codable {
        public var organization: String
        public var organizationID: String
        /// Entries of the organization that the service holds: in the master database, in a branch's directory.
        public var entries: Int
        /// Those of its entries that could not be imported.
        public var problems = 0
        /// Those of its changes that the guard holds.
        public var held = 0
        /// Master: the highest USN of its changes.
        public var highestUSN: Int64?
        /// Master: up to which USN the organization has the master database.
        public var acknowledgedUSN: Int64?
        /// Master: up to which export sequence the organization's changes have come, and its highest.
        public var exportAcknowledged: Int64?
        public var exportSequence: Int64?
        public var lastHeard: Date?
        public var lastSent: Date?
        /// How mail to it goes; nil for an organization that no mail goes to.
        public var mail: PeerMailStatus?
        /// Master: it is no member of the exchange any more; its entries are on their way out.
        public var hasLeft: Bool?
        /// Master: it has not told everything since the master was restored from a backup.
        public var isAwaited: Bool?
        /// Master: two copies of its service are alive, and neither is heard.
        public var isDoubled: Bool?
        /// When it was last found that its entries were not here as it, or the master, has them. Everything was transferred
        /// anew then.
        public var divergedAt: Date?
    }

    public var organization: String
    public var role: String
    /// Master: the highest USN given. Requestor: the USN up to which the master database has been imported.
    public var highestUSN: Int64
    /// Requestor: the highest number of its journal, and up to where the master has it.
    public var exportSequence: Int64?
    public var exportAcknowledged: Int64?
    /// Master: when it was noticed that a backup was restored. Until everybody has been heard again, nothing is deleted because
    /// the database lacks it.
    public var restoredAt: Date?
    /// Entries that could not be imported.
    public var problems: Int
    /// Changes that the guard holds, deletions above all.
    public var held: Int
    /// Entries that stand under another name in the directory, since another entry has theirs; the first of them by name.
    public var displacedEntries: Int
    public var displaced: [Displacement]
    /// Mails that wait for other mails.
    public var parkedMails: Int
    /// Mails that have come and could not be dealt with yet.
    public var unreadMails: Int
    /// What the last cycle could not do.
    public var failures: [Failure]
    /// The parts of the directory that are exported, and how they are read.
    public var exports: [DirectoryReading]
    public var organizations: [OrganizationStatus]
    /// Whether mail is signed and encrypted.
    public var isSealed: Bool
    /// The own certificate and those of the peers.
    public var keys: [KeyReport]
    /// What is to be done about keys: certificates that end within 30 days, or have ended.
    public var keyWarnings: [String]
    public var refusedMails: [RefusedMail]

    /// An entry that stands elsewhere than it would if no other stood there.
    public struct Displacement: Sendable, Codable {
        public var entry: String?
        public var entryUUID: String
        public var dn: String
        public var wantedDN: String
    }

    public struct Failure: Sendable, Codable {
        public var failure: String
        public var since: Date
    }

    public struct RefusedMail: Sendable, Codable {
        /// When it came last.
        public var at: Date
        public var sender: String
        /// `refused`, `bounce` or `automaticReply`.
        public var kind: SQLiteStore.RefusedMail.Kind
        public var reason: String
        /// How often it has come.
        public var count: Int
    }
}

extension StatusReport {
    /// - Throws: `StateFolderError` if the service has never run.
    public static func read(_ configuration: Configuration) async throws -> StatusReport {
        try await StatusReader(configuration: configuration, store: configuration.existingStore(), now: Date()).report()
    }
}

extension Configuration {
    /// - Throws: `StateFolderError` if the service has never run.
    func existingStore() throws -> ServiceStore {
        if let store = try ServiceStore.openExisting(path: databasePath) { return store }
        throw StateFolderError(
            description: "\(databasePath): there is no such file; the service has never run with this configuration. "
                + "Start it with interorg run, or correct state",
            isInUse: false)
    }
}

private struct StatusReader {
    let configuration: Configuration
    let store: ServiceStore
    let now: Date

    func report() async throws -> StatusReport {
        let line = try await ChangeLog(store: store).line()
        let counts = Dictionary(
            uniqueKeysWithValues: try await store.problemCounts().map { ($0.key.description, $0.value) })
        let mails = try await Inbox(store: store).refused()
        var report = StatusReport(
            organization: configuration.organization, role: configuration.roleName, highestUSN: line.highest,
            problems: counts.values.map(\.problems).reduce(0, +), held: counts.values.map(\.held).reduce(0, +),
            displacedEntries: try await store.displacedEntryCount(),
            displaced: try await store.displacedEntries(limit: 10).map {
                .init(entry: $0.label, entryUUID: $0.id.uuid.text, dn: $0.place.text, wantedDN: $0.wanted.text)
            },
            parkedMails: try await Inbox(store: store).ids(parked: true).count,
            unreadMails: try await Inbox(store: store).ids(parked: false).count,
            failures: (try await TakenMail.failures(in: store) + store.failures()).map {
                .init(failure: $0.text, since: $0.since)
            },
            exports: try await DirectoryReading.all(in: store), organizations: [],
            isSealed: configuration.exchange.isSealed, keys: configuration.keyReports(now: now),
            keyWarnings: configuration.keyWarnings(now: now),
            refusedMails: mails.prefix(10).map {
                .init(at: $0.at, sender: $0.sender, kind: $0.kind, reason: $0.reason, count: $0.count)
            })
        switch configuration.role {
        case .master(let requestors):
            let own = OrganizationID(configuration.organizationID)
            let restoration = try await Master.restoration(of: own, in: store)
            let members = requestors.map(\.asOrganization.id)
            var awaited: Set<OrganizationID> = []
            if let restoration, !restoration.isOver {
                report.restoredAt = restoration.noticed
                awaited = Set(members).subtracting(try await Master.heard(members, since: restoration, in: store))
            }
            report.organizations = try await organizations(of: requestors, awaited: awaited)
        case .requestor(let master): try await fill(&report, master, journal: line.highest)
        }
        for index in report.organizations.indices {
            let count = counts[report.organizations[index].organizationID] ?? ProblemCount()
            report.organizations[index].problems = count.problems
            report.organizations[index].held = count.held
        }
        return report
    }

    private func organizations(
        of requestors: [Configuration.Peer], awaited: Set<OrganizationID>
    ) async throws -> [StatusReport.OrganizationStatus] {
        let contents = try await ChangeLog(store: store).contents()
        let own = OrganizationID(configuration.organizationID)
        var organizations = [
            StatusReport.OrganizationStatus(
                organization: configuration.organization, organizationID: own.description,
                entries: contents[own]?.entries ?? 0, highestUSN: contents[own]?.highest)
        ]
        for peer in requestors {
            let (requestor, offers) = (peer.asOrganization, peer.offers)
            let machine = try await Peers(store: store).machine(of: requestor.id, as: MasterMachine.self)
            let received = try await StoredSynchronizationState.open(
                Master.stateName(requestor.id, offers), .contents, in: store)
            organizations.append(
                StatusReport.OrganizationStatus(
                    organization: requestor.name, organizationID: requestor.id.description,
                    entries: contents[requestor.id]?.entries ?? 0, highestUSN: contents[requestor.id]?.highest,
                    acknowledgedUSN: machine?.have.contents?.position.number,
                    exportAcknowledged: try await received.cursor()?.receivedPosition?.position.number,
                    exportSequence: machine?.requestorHighest, lastHeard: machine?.lastHeard,
                    lastSent: machine?.lastReplied, mail: try await PeerMailStatus.read(peer, in: store),
                    isAwaited: awaited.contains(requestor.id) ? true : nil,
                    isDoubled: machine?.living.isDoubled, divergedAt: machine?.divergence.found[requestor.id]))
        }
        let names = try await Peers(store: store).names()
        let known = Set(organizations.map(\.organizationID))
        for (id, content) in contents where content.entries > 0 && !known.contains(id.description) {
            organizations.append(
                StatusReport.OrganizationStatus(
                    organization: names[id] ?? id.description, organizationID: id.description,
                    entries: content.entries, highestUSN: content.highest, hasLeft: true))
        }
        return organizations
    }

    private func fill(_ report: inout StatusReport, _ master: Configuration.Peer, journal: Int64) async throws {
        let peers = Peers(store: store)
        let masterID = OrganizationID(master.organizationID)
        let own = OrganizationID(configuration.organizationID)
        let machine = try await peers.machine(of: masterID, as: RequestorMachine.self)
        let mail = try await PeerMailStatus.read(master, in: store)
        var positions: [Int64] = []
        var entries: [OrganizationID: Int] = [:]
        let name = Participant.importState(imports: configuration.directory.imports != nil)
        for stream in ChangeStream.allCases {
            let state = try await StoredSynchronizationState.open(name, stream, in: store)
            positions.append(try await state.cursor()?.receivedPosition?.position.number ?? 0)
            for (organization, count) in try await state.entryCounts() { entries[organization, default: 0] += count }
        }
        entries[own] = try await ChangeLog(store: store).contents()[own]?.entries ?? 0
        report.highestUSN = positions.min() ?? 0
        report.exportSequence = journal
        report.exportAcknowledged = machine?.acknowledged.contents?.position.number ?? 0
        let names = try await peers.names().merging([masterID: master.organization]) { known, _ in known }
        report.organizations = names.sorted { $0.value < $1.value }.map { id, name in
            StatusReport.OrganizationStatus(
                organization: name, organizationID: id.description, entries: entries[id] ?? 0,
                highestUSN: id == masterID ? machine?.masterHighest : nil,
                lastHeard: id == masterID ? machine?.lastHeard : nil,
                lastSent: id == masterID ? machine?.lastSent : nil, mail: id == masterID ? mail : nil,
                divergedAt: machine?.divergence.found[id])
        }
    }
}
