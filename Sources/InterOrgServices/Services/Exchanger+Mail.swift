import AddressBook
import Foundation
import IncrementalSync
import InterOrgProtocol
import Logging
import MailTransport
import SQLiteStore

/// Why a mail is nothing for us.
private struct Refusal: Error {
    var reason: String
    var kind = RefusedMail.Kind.refused
}

/// From a mail that has come to what became of it.
extension Exchanger {
    func process(_ mail: WaitingMail, _ report: inout CycleReport) async throws -> Disposition {
        let message: ReceivedMessage
        do {
            let exchangeMail: ExchangeMail
            switch try read(mail) {
            case .exchange(let mail): exchangeMail = mail
            case .bounce(let bounce): return try await noticed(bounce, in: mail)
            case .automaticReply(let reason):
                throw Refusal(reason: "it is an automatic reply: \(reason)", kind: .automaticReply)
            case .listMail(let reason): throw Refusal(reason: "it is mail of a mailing list: \(reason)")
            case .unrelated(let reason): throw Refusal(reason: "it is no mail of the exchange: \(reason)")
            }
            message = try open(exchangeMail)
            if mail.parked == nil { try await heard(message.header, in: exchangeMail) }
        } catch let refusal as Refusal {
            return refused(mail, refusal.reason, as: refusal.kind)
        }
        let disposition: Disposition
        do {
            switch role {
            case .master(let master): disposition = try await master.receive(message)
            case .requestor(let requestor): disposition = try await requestor.receive(message, standing: standing)
            }
        } catch let error as MessageError {
            return refused(mail, error.description)
        }
        switch disposition {
        case .done(let done):
            if case .master = role { note(done, \.exported, &report) } else { note(done, \.imported, &report) }
            log(message, done)
        case .parked(let reason):
            if mail.parked == nil { logger.info("message parked: \(reason)") }
        case .refused(let reason):
            return refused(mail, reason)
        case .notice:
            break
        }
        return disposition
    }

    private func log(_ message: ReceivedMessage, _ done: SynchronizationReport) {
        let level: Logger.Level = done.imported > 0 ? .info : .debug
        logger.log(
            level: level, "\(message.header.kind.rawValue) imported",
            metadata: [
                "from": "\(message.header.from.name)", "request": "\(message.header.request.number)",
                "part": "\(message.header.part)", "changes": "\(done.imported)",
                "through":
                    "\(message.header.ranges.contents?.through ?? message.header.ranges.hierarchy?.through ?? 0)",
            ])
    }

    /// What anybody can send must not fill the log.
    func refused(
        _ mail: WaitingMail, _ reason: String, as kind: RefusedMail.Kind = .refused
    ) -> Disposition {
        let seconds = ProcessInfo.processInfo.systemUptime
        // What a mail says of itself, its subject above all, comes late in the reason: whoever changes it says nothing new.
        let subject = "\(mail.sender) \(kind) \(reason.prefix(60))"
        if let ending = refusals.ending(of: subject, now: seconds) {
            logger.warning("mail refused: \(reason)\(ending)", metadata: ["sender": "\(mail.sender)"])
        }
        return kind == .refused ? .refused(reason: reason) : .notice(kind, reason: reason)
    }

    private func read(_ mail: WaitingMail) throws -> MailReading {
        do {
            return try MailReading(
                mail.mail, envelopeSender: try? MailAddress(mail.sender), contentTypes: envelope.acceptedContentTypes)
        } catch {
            throw Refusal(reason: "the mail is malformed: \(error)")
        }
    }

    /// Mail → message. Who is speaking is for the envelope to say; the message has to say the same.
    private func open(_ exchangeMail: ExchangeMail) throws -> ReceivedMessage {
        do {
            let opened = try envelope.open(exchangeMail.body, from: exchangeMail.from)
            let message = try ReceivedMessage(opened.payload)
            guard message.header.from.id.uuid == opened.speaker else {
                throw Refusal(
                    reason: "the message says that it is from \(message.header.from.name), but another organization "
                        + "has sent it (its mail says \(exchangeMail.from))")
            }
            return message
        } catch let error as MessageError {
            throw Refusal(reason: error.description)
        } catch let error as EnvelopeError {
            throw Refusal(reason: error.description)
        }
    }
}
