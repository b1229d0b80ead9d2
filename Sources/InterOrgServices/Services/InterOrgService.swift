import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import LDAPClient
import Logging
import MailTransport
import SQLiteStore
import ServiceLifecycle
import UnixSignals

/// One organization's service, put together from its configuration: a master or a requestor with its directory, its
/// store, its mail intake and its mail posts.
public struct InterOrgService: Sendable {
    public let configuration: Configuration
    let logger: Logger
    let store: ServiceStore
    let exchanger: Exchanger
    let posts: [MailPost]
    let lock: StateLock
    /// Signals that everything that was posted to a peer has been submitted.
    private let submitted = WakeUp()
    /// Signals that mail has been dealt with.
    let settled = WakeUp()

    /// However large a mail may be: a message is held in memory several times on its way.
    private static let payloadBytesMax = 2_000_000

    /// How long the request of a continuous requestor stands; it sends another when half of that is over.
    private static let standingSeconds = 1_800

    /// How large the change lines of a message may be together, so that its mail fits even if nothing of it can be
    /// compressed.
    private static func payloadBytesMax(messageBytesMax: Int, _ envelope: any SealedEnvelope) -> Int {
        // What a header and a trailer need, with 200 incarnations and the names of many organizations.
        let frameBytes = 30_000
        let fits = stride(from: payloadBytesMax, through: 16_000, by: -1_000).first { bytes in
            MailMessage.encodedBytesMax(payloadBytes: bytes + frameBytes, in: envelope) <= messageBytesMax
        }
        return fits ?? 16_000
    }

    /// Opens the state folder, which no other process may be using, and checks what can be checked without a server.
    ///
    /// - Parameter auditsAtStart: whether the first cycle reads and compares the whole directory, however young the last
    ///   audit is. Right for a service: what happened while it was not there may have been a restore.
    public init(_ configuration: Configuration, auditsAtStart: Bool = false, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        self.lock = try StateLock(folder: configuration.stateFolder)
        let store = try ServiceStore(path: configuration.databasePath)
        self.store = store

        let envelope = try configuration.envelope(logger: logger, now: { Date() })
        let payloadBytesMax = Self.payloadBytesMax(messageBytesMax: configuration.messageBytesMax, envelope)
        let surroundings = Surroundings(
            now: { Date() }, newID: { UUID() }, pauses: .real,
            deletionGuard: DeletionGuard(
                count: configuration.guardLimits.count, percent: configuration.guardLimits.percent),
            payloadBytesMax: payloadBytesMax,
            capabilities: Capabilities(
                versions: [ExchangeHeader.version], ciphers: ContentCipher.allCases.map(\.rawValue)))
        let organization = Organization(
            id: OrganizationID(configuration.organizationID), name: configuration.organization)
        let directory = try LDAPOrganizationDirectory(
            configuration, auditsSince: auditsAtStart ? Date() : nil, pauses: surroundings.pauses, logger: logger)
        let peers: [Configuration.Peer]
        let role: Exchanger.Role
        switch configuration.role {
        case .master(let requestors):
            peers = requestors
            role = .master(
                Master(
                    organization: organization, members: Self.members(requestors, own: organization), store: store,
                    directory: directory, surroundings: surroundings))
        case .requestor(let master):
            peers = [master]
            role = .requestor(
                Requestor(
                    organization: organization, master: master.asOrganization, store: store, directory: directory,
                    surroundings: surroundings))
        }
        let ownAddress = try MailAddress(configuration.exchange.address)
        var posts: [MailPost] = []
        for peer in peers {
            let address = try MailAddress(peer.address)
            posts.append(
                MailPost(
                    peer: OrganizationID(peer.organizationID), from: ownAddress, to: address,
                    subject: "InterOrg Sync: \(configuration.organization)",
                    autoSubmitted: configuration.role.answers ? .replied : .generated,
                    submission: try configuration.exchange.smtp(for: peer).submission(), envelope: envelope,
                    outbox: Outbox(store: store), peerMail: PeerMail(store: store), logger: logger, wakeUp: WakeUp(),
                    submitted: submitted, capabilities: Self.capabilities(of: peer, configuration.role, in: store),
                    random: surroundings.pauses.random))
        }
        self.posts = posts
        let wakeUps = posts.map(\.wakeUp)
        self.exchanger = Exchanger(
            role: role, directory: directory, store: store, envelope: envelope, logger: logger, now: { Date() },
            standing: configuration.schedule == .continuous ? Self.standingSeconds : nil,
            posted: { for wakeUp in wakeUps { wakeUp.signal() } },
            settled: { [settled] in settled.signal() }, inboxLimits: configuration.inboxLimits,
            addresses: Dictionary(posts.map { ($0.to, $0.peer) }, uniquingKeysWith: { first, _ in first }))
    }

    /// Serves until a signal to stop (SIGTERM, SIGINT) comes; what is running is finished.
    public func run() async throws {
        try await exchanger.start(audits: true)
        let agent = SynchronizationAgent(
            exchanger: exchanger, schedule: configuration.schedule, submitted: submitted, pauses: .real,
            logger: logger)
        let reception = try reception { agent.mailHasCome() }
        let control = ControlSocket(path: configuration.controlSocketPath, agent: agent, logger: logger)
        logger.info(
            "started",
            metadata: ["organization": "\(configuration.organization)", "role": "\(configuration.roleName)"])
        // They are stopped one after the other, from the last on: the agent's end answers those whom the control socket
        // lets wait for a cycle.
        let watch = CertificateWatch(configuration: configuration, logger: logger, now: { Date() })
        let services: [any Service] = [watch, reception, control, agent] + posts
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }))
        try await group.run()
        logger.info("stopped")
    }

    /// One cycle, with the mail that it leads to, without a running agent.
    ///
    /// - Parameters:
    ///   - patience: how long to wait for the master's answer.
    ///   - allowedDeletions: how many deletions of each organization's entries pass the guard, whatever its limits are.
    public func synchronizeOnce(patience: Duration, allowedDeletions: Int? = nil) async throws -> CycleReport {
        try await exchanger.start(audits: false)
        await exchanger.allowDeletions(allowedDeletions)
        let arrivals = WakeUp()
        let reception = try reception(pipeInterval: .milliseconds(250)) { arrivals.signal() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Where no mail comes, no answer can.
                defer { arrivals.end() }
                do {
                    try await reception.source.run(reception.intake)
                } catch is CancellationError {
                    // Nothing more is waited for.
                }
            }
            var report = await exchanger.cycle()
            for post in posts {
                try await post.flush()
                guard let failure = try await post.failure() else { continue }
                report.failures.append("submit the mail to \(post.to): \(failure.error)")
                report.needsCorrection = report.needsCorrection || failure.isPermanent
            }
            if try await exchanger.isWaiting(), try await Outbox(store: store).waiting().isEmpty {
                group.addTask {
                    try? await Task.sleep(for: patience)
                    arrivals.end()
                }
                let failures = report.failures.count
                for await _ in arrivals.signals {
                    report = await exchanger.mailHasCome(report)
                    // What cannot be done now is left to the next cycle.
                    guard report.failures.count == failures, try await exchanger.isWaiting() else { break }
                }
                for post in posts { try await post.flush() }
                if report.failures.count == failures, try await exchanger.isWaiting() {
                    report.failures.append(
                        "the master has not answered within \(patience); its answer is imported when it comes")
                }
            }
            group.cancelAll()
            try await group.waitForAll()
            return report
        }
    }
}

extension Pauses {
    /// Those of this machine.
    static let real: Pauses = {
        let start = ContinuousClock.now
        return Pauses(
            elapsed: { start.duration(to: .now) }, wait: { try await Task.sleep(for: $0) },
            random: { .random(in: 0..<1) })
    }()
}

extension Exchanger {
    /// Whether the master still owes an answer.
    func isWaiting() async throws -> Bool {
        if case .requestor(let requestor) = role { return try await requestor.isWaiting() }
        return false
    }
}

extension Configuration {
    public var databasePath: String { stateFolder + "/interorg.sqlite" }
    public var controlSocketPath: String { stateFolder + "/control.sock" }

    var roleName: String {
        switch role {
        case .master: "master"
        case .requestor: "requestor"
        }
    }
}

extension Configuration.Role {
    /// Whether what is sent are answers.
    var answers: Bool {
        if case .master = self { return true }
        return false
    }
}

extension Configuration.Peer {
    var asOrganization: Organization {
        Organization(id: OrganizationID(organizationID), name: organization)
    }
}

extension InterOrgService {
    /// What a peer has said that it can read.
    private static func capabilities(
        of peer: Configuration.Peer, _ role: Configuration.Role, in store: ServiceStore
    ) -> @Sendable () async throws -> Capabilities? {
        let peers = Peers(store: store)
        let id = peer.asOrganization.id
        return switch role {
        case .master: { try await peers.machine(of: id, as: MasterMachine.self)?.capabilities }
        case .requestor: { try await peers.machine(of: id, as: RequestorMachine.self)?.capabilities }
        }
    }

    /// The requestors of a master as its members; the configuration names organizations, an exchange knows them by ID.
    private static func members(_ requestors: [Configuration.Peer], own: Organization) -> [Member] {
        let ids = Dictionary(
            ([own] + requestors.map(\.asOrganization)).map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first }
        )
        return requestors.map { peer in
            Member(
                peer.asOrganization, receives: peer.receives.map { Set($0.compactMap { ids[$0] }) },
                offers: peer.offers)
        }
    }
}

extension Configuration.SMTP {
    func submission() throws -> SMTPSubmission {
        try SMTPSubmission(
            url: url, credentials: credentials.map { SMTPCredentials(user: $0.user, password: $0.password.revealed) },
            insecure: transportSecurity == .plaintext, requiresStartTLS: transportSecurity == .startTLS,
            certificateAuthorityFile: caFile)
    }
}
