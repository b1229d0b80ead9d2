import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import Logging
import MailTransport
import SQLiteStore

extension Exchanger {
    /// Somebody may have corrected what kept mail from being taken: what waits is tried at once.
    func submitAtOnce() async {
        do {
            try await peerMail.forgetPauses()
            posted()
        } catch is CancellationError {
            return
        } catch {
            logger.error("try again to submit the mail that waits: \(error)")
        }
    }

    /// What a peer says shows which of our mails have arrived; what is sent to it next answers it.
    func heard(_ header: ExchangeHeader, in mail: ExchangeMail) async throws {
        try await peerMail.heard(
            header.from.id, messageID: mail.messageID?.text, inReplyTo: mail.inReplyTo?.text,
            answering: header.kind == .reply ? header.request.number : nil)
    }

    /// A mail system has reported something. Never an answer: what is about a mail of ours is kept to be shown.
    func noticed(_ bounce: MailBounce, in mail: WaitingMail) async throws -> Disposition {
        // That a mail was delivered says nothing that the peer's own answer does not say better.
        if let action = bounce.action, action != .failed, action != .delayed {
            return refused(
                mail, "it is a delivery report, which is no acknowledgement: \(bounce.reason)", as: .bounce)
        }
        let notice = DeliveryNotice(
            isFailure: bounce.action != .delayed, recipient: bounce.recipient, status: bounce.status,
            diagnostic: bounce.diagnostic, reason: bounce.reason)
        let addressees = bounce.addresses.compactMap { try? MailAddress($0) }.compactMap { self.addresses[$0] }
        guard
            let peer = try await peerMail.noticed(
                notice, messageID: bounce.originalMessageID?.text, addressee: addressees.first, now: now())
        else {
            return refused(
                mail, "it is a notice of a mail system about no mail of ours: \(bounce.reason)", as: .bounce)
        }
        let name = try await Peers(store: store).names()[peer] ?? "\(peer)"
        // Anybody can send such a report.
        if let ending = refusals.ending(of: "notice \(peer)", now: ProcessInfo.processInfo.systemUptime) {
            logger.warning(
                "mail to \(name) \(notice.isFailure ? "came back" : "is late"): \(bounce.reason)\(ending)",
                metadata: ["about": "\(bounce.originalMessageID?.text ?? "unknown")"])
        }
        return .done(SynchronizationReport())
    }
}
