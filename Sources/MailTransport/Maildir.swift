import Foundation
import Synchronization

/// A maildir that a mail server delivers to. Mails are taken as soon as they are there, stay until they have been dealt
/// with, and are then moved to `cur` as seen, deleted, or moved to the folder `.Refused`.
///
/// Which mails have been taken is remembered by their names and not by where they lie: what another program has moved to
/// `cur` is taken all the same.
public final class Maildir: Mailbox {
    /// What becomes of mails that have been dealt with.
    public enum Processed: Sendable, Equatable {
        case delete
        /// They stay in `cur`, as seen; nil: for ever.
        case keep(Retention?)
    }

    /// What is kept of refused mail in `.Refused`.
    public static let refusedRetention = Retention(count: 100, bytes: 64_000_000)

    /// After so many mails for which there was no room, no more are read: others have room of their own.
    private static let withoutRoomMax = 200

    private let folder: MaildirFolder
    private let processed: Processed
    private let refused: Retention
    private let watch: FolderWatch?
    private let now: @Sendable () -> Date

    public let interval: Duration
    public let longestPauseSeconds = 5.0

    /// - Parameters:
    ///   - path: the folder that holds `new`, `cur` and `tmp`; it may come into being later.
    ///   - interval: between two looks when nothing is heard of changes.
    public init(
        path: String, processed: Processed, refused: Retention = Maildir.refusedRetention,
        interval: Duration = .seconds(30), now: @escaping @Sendable () -> Date = { Date() }
    ) {
        folder = MaildirFolder(path: path)
        self.processed = processed
        self.refused = refused
        self.interval = interval
        self.now = now
        watch = FolderWatch()
    }

    public var name: String { "the maildir \(folder.path)" }

    public func changes() -> AsyncStream<Void> { watch?.changes ?? AsyncStream { $0.finish() } }

    /// A maildir that is not there yet is in order: the mail server makes it.
    public func check() throws {
        do {
            _ = try folder.files()
            try folder.requireWriting()
        } catch let failure as MaildirFolder.Failure where !failure.isMissing {
            throw MailboxError("\(failure.description); check who may read and write it")
        } catch is MaildirFolder.Failure {
            return
        }
    }

    public func look(_ intake: any MailIntake) async throws {
        do {
            for part in ["new", "cur"] { watch?.add("\(folder.path)/\(part)") }
            // What cannot be put away or read is in no other mail's way.
            var failures = try await putAwayAll(intake)
            let files = try folder.files()
            let known = try await intake.known(among: Set(files.map(\.key)))
            var withoutRoom = 0
            for file in files where !known.contains(file.key) && withoutRoom < Self.withoutRoomMax {
                do {
                    if try await !take(file, intake) { withoutRoom += 1 }
                } catch let failure as MaildirFolder.Failure {
                    failures.append(failure)
                }
            }
            if failures.isEmpty { failures = try await putAwayAll(intake) }
            guard failures.isEmpty else {
                let more = failures.count > 1 ? " (and \(failures.count - 1) more)" : ""
                throw MailboxError("\(failures[0])\(more); check who may read and write it")
            }
        } catch let failure as MaildirFolder.Failure {
            let advice =
                failure.isMissing
                ? "the mail server makes it when it first delivers" : "check who may read and write it"
            throw MailboxError("\(failure.description); \(advice)")
        }
    }

    /// Returns whether there was room for the mail.
    private func take(_ file: MaildirFolder.File, _ intake: any MailIntake) async throws -> Bool {
        switch try folder.read(file, bytesMax: intake.mailBytesMax) {
        case .gone, .unfinished:
            return true
        case .tooLarge(let bytes):
            let reason = "it is too large: \(bytes) bytes, the limit is \(intake.mailBytesMax)"
            try await intake.refuse(file.key, sender: "", reason: reason)
        case .mail(let bytes):
            do {
                try await intake.take(IncomingMail(sender: nil, bytes: bytes, key: file.key))
            } catch is MailStorageFull {
                // It stays where it is until there is room.
                return false
            } catch let refusal as MailRefusal {
                try await intake.refuse(file.key, sender: MailSender(of: bytes).envelopeSender, reason: refusal.reason)
            }
        }
        return true
    }

    public func putAway(_ intake: any MailIntake) async throws {
        if let failure = try await putAwayAll(intake).first { throw MailboxError(failure.description) }
    }

    /// Returns what could not be done.
    private func putAwayAll(_ intake: any MailIntake) async throws -> [MaildirFolder.Failure] {
        let settled = try await intake.settled()
        let kept = try await intake.kept()
        guard !settled.isEmpty || !kept.isEmpty else { return [] }
        let files = Dictionary(uniqueKeysWithValues: try folder.files().map { ($0.key, $0) })
        var failures: [MaildirFolder.Failure] = []
        for mail in settled {
            do {
                let isVisible = try files[mail.key].map { try putAway($0, isRefused: mail.isRefused) } ?? false
                try await intake.putAway(mail.key, isVisible: isVisible)
            } catch let failure as MaildirFolder.Failure {
                failures.append(failure)
            }
        }
        for key in kept where files[key] == nil { try await intake.putAway(key, isVisible: false) }
        guard failures.isEmpty else { return failures }
        if settled.contains(where: \.isRefused) { try boundRefused() }
        if case .keep(let retention?) = processed {
            let items = kept.compactMap { files[$0].flatMap(folder.item) }
            for file in retention.excess(of: items, now: now()) {
                try folder.delete(file)
                try await intake.putAway(file.key, isVisible: false)
            }
        }
        return []
    }

    /// Returns whether the mail is still to be seen in `cur`.
    private func putAway(_ file: MaildirFolder.File, isRefused: Bool) throws -> Bool {
        if isRefused {
            let refused = try folder.subfolder("Refused")
            _ = try folder.move(file, to: "\(refused.path)/cur/\(file.name(adding: "S"))")
            return false
        }
        if processed == .delete {
            try folder.delete(file)
            return false
        }
        return try folder.move(file, to: "\(folder.path)/cur/\(file.name(adding: "S"))")
    }

    private func boundRefused() throws {
        let folder = try folder.subfolder("Refused")
        for file in refused.excess(of: try folder.files().compactMap(folder.item), now: now()) {
            try folder.delete(file)
        }
    }
}
