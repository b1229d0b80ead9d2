import AddressBook
import ArgumentParser
import Foundation
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import MailTransport
import SQLiteStore

/// The exchange between a requestor with many entries, the master, and a requestor that has nothing yet: each part by
/// itself, with the services' own code and stores on disk. Between the parts, sealed messages are files; what mail takes is
/// not in it.
@main
struct ExchangeSpeed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "One part of an exchange, measured; for scripts/bench exchange.",
        discussion: "Prints one JSON object: seconds, entries and the peak memory.")

    enum Part: String, ExpressibleByArgument, CaseIterable {
        /// A requestor reads its directory and composes a request.
        case request
        /// The master imports it.
        case `import`
        /// The master answers another requestor that has nothing.
        case reply
        /// That requestor imports the answer.
        case receive
    }

    @Argument(help: "request, import, reply or receive; in this order.") var part: Part
    @Option(help: "How many entries the first requestor has.") var entries = 20_000
    @Option(help: "Folder for stores and messages.") var folder: String

    /// As a service has it by default.
    private static let payloadBytesMax = 2_000_000

    private static let master = organization("master")
    private static let branch = organization("branch")
    private static let other = organization("other")

    private static func organization(_ name: String) -> Organization {
        Organization(id: OrganizationID(derivedFromName: name), name: name)
    }

    private struct Measured: Encodable {
        var seconds: Double
        var entries: Int
        var messages: Int
        var peakMemoryBytes: Int
    }

    func run() async throws {
        let (seconds, entries, messages) = try await measure()
        let result = Measured(
            seconds: seconds, entries: entries, messages: messages, peakMemoryBytes: try peakMemoryBytes())
        print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
    }

    private func measure() async throws -> (seconds: Double, entries: Int, messages: Int) {
        switch part {
        case .request:
            let store = try store("branch")
            let requestor = requestor(Self.branch, entries: entries, store)
            let begin = ContinuousClock.now
            try await requestor.start()
            let exported = try await requestor.exportDirectory().done.imported
            _ = try await requestor.request()
            let messages = try await send(from: store, of: Self.branch, to: Self.master, as: "request")
            return ((ContinuousClock.now - begin) / .seconds(1), exported, messages)
        case .import:
            let store = try store("master")
            let master = try await master(store)
            return try await receive("request", of: Self.branch, into: store, of: Self.master) {
                try await master.receive($0)
            }
        case .reply:
            let store = try store("master")
            let master = try await master(store)
            let asking = try self.store("other")
            let requestor = requestor(Self.other, entries: 0, asking)
            try await requestor.start()
            _ = try await requestor.request()
            _ = try await send(from: asking, of: Self.other, to: Self.master, as: "question")
            let begin = ContinuousClock.now
            _ = try await receive("question", of: Self.other, into: store, of: Self.master) {
                try await master.receive($0)
            }
            try await master.answer()
            let messages = try await send(from: store, of: Self.master, to: Self.other, as: "reply")
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            let entries = try await ChangeLog(store: store).contents()[Self.branch.id]?.entries ?? 0
            return (seconds, entries, messages)
        case .receive:
            let store = try store("other")
            let requestor = requestor(Self.other, entries: 0, store)
            try await requestor.start()
            return try await receive("reply", of: Self.master, into: store, of: Self.other) {
                try await requestor.receive($0)
            }
        }
    }

    private func store(_ name: String) throws -> ServiceStore { try ServiceStore(path: "\(folder)/\(name).sqlite") }

    private var surroundings: Surroundings {
        Surroundings(
            now: { Date() }, newID: { UUID() },
            pauses: Pauses(elapsed: { .zero }, wait: { try await Task.sleep(for: $0) }, random: { 0 }),
            deletionGuard: DeletionGuard(), payloadBytesMax: Self.payloadBytesMax)
    }

    private func requestor(_ organization: Organization, entries: Int, _ store: ServiceStore) -> Requestor {
        Requestor(
            organization: organization, master: Self.master, store: store,
            directory: GeneratedDirectory(organization: organization.id, entries: entries), surroundings: surroundings)
    }

    /// At work, as after its first cycle.
    private func master(_ store: ServiceStore) async throws -> Master {
        let master = Master(
            organization: Self.master, members: [Member(Self.branch), Member(Self.other)], store: store, directory: nil,
            surroundings: surroundings)
        try await master.start()
        _ = try await master.exportDirectory()
        return master
    }

    // MARK: - Messages

    private func address(of organization: Organization) throws -> MailAddress {
        try MailAddress("interorg@\(organization.name).example")
    }

    /// Made when it is asked for first; the parts are processes of their own.
    private func identity(of organization: Organization) throws -> MailIdentity {
        let file = URL(filePath: folder).appending(path: "\(organization.name).pem")
        if let pem = try? Data(contentsOf: file), let certificate = try Certificate.all(in: Array(pem)).first {
            return try MailIdentity(certificate: certificate, key: PrivateKey(pem: Array(pem)))
        }
        let identity = try MailIdentity.selfSigned(
            organization: organization.name, address: address(of: organization), key: .makeP256(), days: 30, now: Date()
        )
        try Data((identity.certificate.pem + identity.key.pem()).utf8).write(to: file)
        return identity
    }

    private func envelope(of organization: Organization, with peer: Organization) throws -> SMIMEEnvelope {
        let trusted = EnvelopePeer(
            id: peer.id.uuid, address: try address(of: peer), certificates: [try identity(of: peer).certificate],
            cipher: .aes256GCM)
        return SMIMEEnvelope(
            id: organization.id.uuid, identity: try identity(of: organization), peers: [trusted],
            payloadBytesMax: 2 * Self.payloadBytesMax, now: { Date() })
    }

    /// What waits in the outbox becomes files.
    private func send(
        from store: ServiceStore, of sender: Organization, to recipient: Organization, as name: String
    ) async throws -> Int {
        let envelope = try envelope(of: sender, with: recipient)
        let outbox = Outbox(store: store)
        var count = 0
        while let message = try await outbox.next(for: recipient.id) {
            count += 1
            let sealed = try envelope.seal(message.payload, to: recipient.id.uuid, ciphers: nil)
            try JSONEncoder().encode(SealedFile(sealed)).write(to: file(name, count))
            try await PeerMail(store: store).submitted(message, as: "<\(message.id)@bench>", now: Date())
        }
        return count
    }

    /// The files become mail in the inbox, one by one, and are dealt with as a service does.
    private func receive(
        _ name: String, of sender: Organization, into store: ServiceStore, of recipient: Organization,
        _ handle: (ReceivedMessage) async throws -> Disposition
    ) async throws -> (seconds: Double, entries: Int, messages: Int) {
        let envelope = try envelope(of: recipient, with: sender)
        let from = try address(of: sender)
        let inbox = Inbox(store: store)
        var (entries, messages, seconds) = (0, 0, 0.0)
        while let file = try? Data(contentsOf: file(name, messages + 1)) {
            let sealed = try JSONDecoder().decode(SealedFile.self, from: file)
            messages += 1
            let begin = ContinuousClock.now
            try await inbox.append(Array(sealed.bytes), from: name, now: Date())
            try await InboxRound(inbox, now: { Date() }).run { mail in
                let body = SealedBody(contentType: sealed.contentType, bytes: mail.mail)
                let disposition = try await handle(ReceivedMessage(envelope.open(body, from: from).payload))
                guard case .done(let report) = disposition else {
                    throw ValidationError("message \(messages) was not taken: \(disposition)")
                }
                entries += report.imported
                return disposition
            }
            seconds += (ContinuousClock.now - begin) / .seconds(1)
        }
        return (seconds, entries, messages)
    }

    private func file(_ name: String, _ number: Int) -> URL {
        URL(filePath: folder).appending(path: "\(name)-\(number).ndjson")
    }

    /// VmHWM of proc(5).
    private func peakMemoryBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}

/// A sealed message as a file.
private struct SealedFile: Codable {
    var contentType: String
    var bytes: Data

    init(_ sealed: SealedBody) {
        contentType = sealed.contentType
        bytes = Data(sealed.bytes)
    }
}
