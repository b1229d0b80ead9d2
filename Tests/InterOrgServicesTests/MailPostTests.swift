import AddressBook
import Foundation
import GRDB
import IncrementalSync
import InterOrgProtocol
import MailTransport
import SQLiteStore
import SynchronizationTestSupport
import TestSupport
import Testing

@testable import InterOrgServices

@Suite("Mail that no server takes")
struct MailPostTests {
    @Test("waits, and is tried again after pauses that become longer")
    func backoff() async throws {
        let store = try ServiceStore(database: DatabaseQueue())
        let organizations = ["branch", "master"].map { Organization(id: OrganizationID(derivedFromName: $0), name: $0) }
        let requestor = Requestor(
            organization: organizations[0], master: organizations[1], store: store, directory: nil,
            surroundings: Surroundings(
                now: { Date() }, newID: { UUID() }, pauses: ManualPauses().pauses, deletionGuard: DeletionGuard(),
                payloadBytesMax: 100_000))
        try await requestor.start()
        _ = try await requestor.request()
        let peerMail = PeerMail(store: store)
        let master = organizations[1].id
        let post = MailPost(
            peer: master, from: try MailAddress("interorg@branch.example"),
            to: try MailAddress("interorg@master.example"),
            subject: "x", autoSubmitted: .generated,
            submission: try SMTPSubmission(url: "smtp://127.0.0.1:\(try LoopbackSocket.freePort())"),
            envelope: InsecureEnvelope(payloadBytesMax: 100_000, peers: []), outbox: Outbox(store: store),
            peerMail: peerMail, logger: RecordingLog().logger, wakeUp: WakeUp(), submitted: WakeUp(),
            capabilities: { nil }, random: { 0 })
        for (attempts, pause) in [1.0, 2, 4, 8].enumerated() {
            let before = Date()
            try await post.flush()
            let state = try await peerMail.state(of: master)
            #expect(state.failure?.attempts == attempts + 1)
            #expect(state.failure?.isPermanent == false)
            let next = try #require(state.nextAttempt)
            #expect((pause...pause + 60).contains(next.timeIntervalSince(before)))
            #expect(next.timeIntervalSinceNow <= pause)
        }
        #expect(try await !Outbox(store: store).isEmpty(for: master))
    }
}
