import Foundation
import Synchronization

/// A folder of an IMAP account that is looked at every so often. Mails stay there until they have been dealt with, and
/// are then deleted or moved.
public struct IMAPMailbox: Mailbox {
    /// What becomes of mails that have been dealt with.
    public enum Processed: Sendable, Equatable {
        case delete
        case move(folder: String)
    }

    private let server: IMAPServer
    private let folder: String
    private let processed: Processed
    private let refusedFolder: String
    private let refused: Retention

    public let interval: Duration
    public let longestPauseSeconds = 300.0

    /// How many new mails are handed in at a look; the rest follow at the next one.
    private static let mailsMax = 500
    /// After so many mails for which there was no room, no more are fetched: others have room of their own.
    private static let withoutRoomMax = 50

    /// - Parameters:
    ///   - folder: the folder to look at, such as `INBOX`; names as the server writes them.
    ///   - refusedFolder: where refused mail goes.
    ///   - refused: how much is kept there.
    public init(
        _ server: IMAPServer, folder: String, processed: Processed, refusedFolder: String, every interval: Duration,
        refused: Retention = Maildir.refusedRetention
    ) {
        self.server = server
        self.folder = folder
        self.processed = processed
        self.refusedFolder = refusedFolder
        self.refused = refused
        self.interval = interval
    }

    public var name: String { "the folder \(folder) of \(server.credentials.user.forPeople) at \(server.url)" }

    public func changes() -> AsyncStream<Void> { AsyncStream { $0.finish() } }

    public func check() async throws {
        do {
            try await IMAPConnection.with(server, literalBytesMax: 65_536) { connection in
                _ = try await IMAPFolder.select(folder, on: connection)
            }
        } catch let refusal as IMAPRefusal {
            throw MailboxError(refusal.description)
        }
    }

    public func look(_ intake: any MailIntake) async throws {
        try await IMAPConnection.with(server, literalBytesMax: intake.mailBytesMax + 65_536) { connection in
            let folder = try await IMAPFolder.select(folder, on: connection)
            // What the server does not let be put away is in no other mail's way.
            var refusal = try await putAway(intake, folder)
            let messages = try await folder.messages().filter { !$0.isDeleted }
            let known = try await intake.known(among: Set(messages.map { Key($0.uid, folder).text }))
            let new = messages.filter { !known.contains(Key($0.uid, folder).text) }
            var withoutRoom = 0
            for message in new.prefix(Self.mailsMax) where withoutRoom < Self.withoutRoomMax {
                if try await !take(message, folder, intake) { withoutRoom += 1 }
            }
            if refusal == nil { refusal = try await putAway(intake, folder) }
            if let refusal { throw refusal }
        }
    }

    public func putAway(_ intake: any MailIntake) async throws {
        guard try await !intake.settled().isEmpty else { return }
        try await IMAPConnection.with(server, literalBytesMax: 65_536) { connection in
            let refusal = try await putAway(intake, IMAPFolder.select(folder, on: connection))
            if let refusal { throw refusal }
        }
    }

    /// Returns whether there was room for the mail.
    private func take(_ message: IMAPFolder.Message, _ folder: IMAPFolder, _ intake: any MailIntake) async throws
        -> Bool
    {
        let key = Key(message.uid, folder).text
        guard message.bytes <= intake.mailBytesMax else {
            let reason = "it is too large: \(message.bytes) bytes, the limit is \(intake.mailBytesMax)"
            try await intake.refuse(key, sender: "", reason: reason)
            return true
        }
        guard let bytes = try await folder.mail(message.uid) else { return true }
        do {
            try await intake.take(IncomingMail(sender: nil, bytes: bytes, key: key))
        } catch is MailStorageFull {
            return false
        } catch let refusal as MailRefusal {
            try await intake.refuse(key, sender: MailSender(of: bytes).envelopeSender, reason: refusal.reason)
        }
        return true
    }

    /// Returns what the server did not want to do; the mails that it was about stay, to be put away later.
    private func putAway(_ intake: any MailIntake, _ folder: IMAPFolder) async throws -> IMAPRefusal? {
        let settled = try await intake.settled()
        var firstRefusal: IMAPRefusal?
        for mail in settled {
            do {
                try await putAway(mail, folder)
                try await intake.putAway(mail.key, isVisible: false)
            } catch let refusal as IMAPRefusal {
                firstRefusal = firstRefusal ?? refusal
            }
        }
        if firstRefusal == nil, settled.contains(where: \.isRefused) {
            try await boundRefused(folder.connection)
            _ = try await IMAPFolder.select(folder.name, on: folder.connection)
        }
        return firstRefusal
    }

    private func putAway(_ mail: SettledMail, _ folder: IMAPFolder) async throws {
        // Mail of another UIDVALIDITY cannot be found any more: it is taken again under its new number.
        guard let key = Key(mail.key), key.uidValidity == folder.uidValidity else { return }
        switch (mail.isRefused, processed) {
        case (true, _): try await folder.move(key.uid, to: refusedFolder)
        case (false, .delete): try await folder.delete([key.uid])
        case (false, .move(let target)): try await folder.move(key.uid, to: target)
        }
    }

    private func boundRefused(_ connection: IMAPConnection) async throws {
        let folder: IMAPFolder
        do {
            folder = try await IMAPFolder.select(refusedFolder, on: connection)
        } catch is IMAPRefusal {
            // Nothing has been moved there yet.
            return
        }
        // The order of the UIDs is that of the arrivals; dates are only compared.
        let items = try await folder.messages().map {
            Retention.Item(key: $0.uid, date: Date(timeIntervalSince1970: Double($0.uid)), bytes: $0.bytes)
        }
        try await folder.delete(refused.excess(of: items, now: Date()))
    }

    /// What a mail is remembered by.
    private struct Key {
        var uidValidity: Int
        var uid: Int

        init(_ uid: Int, _ folder: IMAPFolder) {
            uidValidity = folder.uidValidity
            self.uid = uid
        }

        init?(_ text: String) {
            let parts = text.split(separator: "/")
            guard parts.count == 2, let uidValidity = Int(parts[0]), let uid = Int(parts[1]) else { return nil }
            self.uidValidity = uidValidity
            self.uid = uid
        }

        var text: String { "\(uidValidity)/\(uid)" }
    }
}

/// What the answers to one command have brought, from the connection's thread to the one that waits.
final class Collected<Element: Sendable>: Sendable {
    private let collected = Mutex<[Element]>([])

    var values: [Element] { collected.withLock { $0 } }

    func append(_ element: Element) {
        collected.withLock { $0.append(element) }
    }
}
