import AddressBook
import ArgumentParser
import CMalloc
import Foundation
import IncrementalSync
import InterOrgProtocol
import InterOrgServices
import SQLiteStore

/// The exchange between a requestor with many entries, the master, and a requestor that has nothing yet: each part by
/// itself, with the services' own code and stores on disk. Between the parts, messages are files; what sealing and
/// mail take is not in it.
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
        // As `interorg` does.
        mallopt(M_ARENA_MAX, 2)
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
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            return (seconds, exported, try await send(from: store, to: Self.master, as: "request"))
        case .import:
            let store = try store("master")
            let master = master(store)
            try await master.start()
            return try await receive("request", into: store) { try await master.receive($0) }
        case .reply:
            let store = try store("master")
            let master = master(store)
            try await master.start()
            let asking = try self.store("other")
            let requestor = requestor(Self.other, entries: 0, asking)
            try await requestor.start()
            _ = try await requestor.request()
            _ = try await send(from: asking, to: Self.master, as: "question")
            let seconds = try await receive("question", into: store) { try await master.receive($0) }.seconds
            let entries = try await ChangeLog(store: store).contents()[Self.branch.id]?.entries ?? 0
            return (seconds, entries, try await send(from: store, to: Self.other, as: "reply"))
        case .receive:
            let store = try store("other")
            let requestor = requestor(Self.other, entries: 0, store)
            try await requestor.start()
            return try await receive("reply", into: store) { try await requestor.receive($0) }
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

    private func master(_ store: ServiceStore) -> Master {
        Master(
            organization: Self.master, members: [Member(Self.branch), Member(Self.other)], store: store, directory: nil,
            surroundings: surroundings)
    }

    /// What waits in the outbox becomes files.
    private func send(from store: ServiceStore, to recipient: Organization, as name: String) async throws -> Int {
        let outbox = Outbox(store: store)
        var count = 0
        while let message = try await outbox.next(for: recipient.id) {
            count += 1
            try Data(message.payload).write(to: file(name, count))
            try await PeerMail(store: store).submitted(message, as: "<\(message.id)@bench>", now: Date())
        }
        return count
    }

    /// The files become mail in the inbox, one by one, and are dealt with as a service does.
    private func receive(
        _ name: String, into store: ServiceStore, _ handle: (ReceivedMessage) async throws -> Disposition
    ) async throws -> (seconds: Double, entries: Int, messages: Int) {
        let inbox = Inbox(store: store)
        var (entries, messages, seconds) = (0, 0, 0.0)
        while let payload = try? Data(contentsOf: file(name, messages + 1)) {
            messages += 1
            let begin = ContinuousClock.now
            try await inbox.append(Array(payload), from: name, now: Date())
            try await InboxRound(inbox, now: { Date() }).run { mail in
                let disposition = try await handle(ReceivedMessage(mail.mail))
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
