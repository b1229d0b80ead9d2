import Foundation
import TestSupport
import Testing

@testable import MailTransport

@Suite("A maildir")
struct MaildirTests {
    /// A maildir in a folder of its own, which is removed in the end.
    private struct Box {
        let path: String

        /// As a mail server does it: written elsewhere, then moved into its place.
        func deliver(_ name: String, _ text: String = "Subject: x\n\nmail\n", to folder: String = "new") throws {
            try Data(text.utf8).write(to: URL(filePath: "\(path)/tmp/\(name)"))
            #expect(rename("\(path)/tmp/\(name)", "\(path)/\(folder)/\(name)") == 0)
        }

        func names(_ folder: String) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
        }

        func make() throws {
            for folder in ["new", "cur", "tmp"] {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
            }
        }
    }

    private func withBox(made: Bool = true, _ body: (Box) async throws -> Void) async throws {
        let box = Box(path: "/tmp/interorg-maildir-\(UUID().uuidString.prefix(8))")
        if made { try box.make() }
        defer { try? FileManager.default.removeItem(atPath: box.path) }
        try await body(box)
    }

    /// Watches the maildir while the body runs. It is looked at without being told of a change only once an hour: what
    /// comes meanwhile comes by being watched.
    private func watching(
        _ box: Box, _ intake: RecordingIntake, processed: Maildir.Processed = .keep(nil),
        refused: Retention = Maildir.refusedRetention, interval: Duration = .seconds(3600),
        _ body: () async throws -> Void
    ) async throws {
        let maildir = Maildir(path: box.path, processed: processed, refused: refused, interval: interval)
        let task = Task { try await MailboxSource(maildir).run(intake) }
        do {
            try await body()
        } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        try await task.value
    }

    @Test("hands in what is delivered while it is watched, and marks it as seen when it has been dealt with")
    func delivered() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            try box.deliver("1.a", "first")
            try await watching(box, intake) {
                try await waitUntil("the first is there") { intake.texts == ["first"] }
                try box.deliver("2.b:2,", "second", to: "cur")
                try await waitUntil("the second is there") { intake.texts == ["first", "second"] }
                #expect(box.names("new") == ["1.a"])
                intake.settleAll()
                try await waitUntil("both have been put away") { box.names("cur") == ["1.a:2,S", "2.b:2,S"] }
                #expect(box.names("new").isEmpty)
                try box.deliver("3.c", "third")
                try await waitUntil("the third is there") { intake.texts == ["first", "second", "third"] }
            }
            // Another process, with what the store remembers: nothing is taken twice, and the third is put away.
            intake.settleAll()
            try await watching(box, intake) {
                try await waitUntil("the third has been put away") { box.names("cur").contains("3.c:2,S") }
            }
            #expect(intake.texts.count == 3)
        }
    }

    @Test("keeps flags that another program has set, and finds a mail that it has moved")
    func flags() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            try box.deliver("1.a")
            try await watching(box, intake) {
                try await waitUntil("it is there") { intake.texts.count == 1 }
                #expect(rename("\(box.path)/new/1.a", "\(box.path)/cur/1.a:2,F") == 0)
                intake.settleAll()
                try await waitUntil("it has been put away") { box.names("cur") == ["1.a:2,FS"] }
            }
            #expect(intake.texts.count == 1)
        }
    }

    @Test("deletes what has been dealt with, if that is wanted")
    func deleting() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            try await watching(box, intake, processed: .delete) {
                try box.deliver("1.a")
                try await waitUntil("it is there") { intake.texts.count == 1 }
                intake.settleAll()
                try await waitUntil("it is gone") { box.names("new").isEmpty && intake.states.isEmpty }
            }
            #expect(box.names("cur").isEmpty)
        }
    }

    @Test("keeps so much of what has been dealt with, and deletes nothing else")
    func retention() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            for number in 1...5 {
                try box.deliver("\(number).a")
                let date = Date(timeIntervalSinceNow: Double(number) * 10 - 100)
                try FileManager.default.setAttributes(
                    [.modificationDate: date], ofItemAtPath: "\(box.path)/new/\(number).a")
            }
            try await watching(box, intake, processed: .keep(Retention(count: 2, bytes: 1000))) {
                try await waitUntil("they are there") { intake.texts.count == 5 }
                intake.settleAll()
                try await waitUntil("all are put away") { intake.states.values.allSatisfy { $0 == .kept } }
                try box.deliver("6.a")
                try await waitUntil("the oldest are gone") { box.names("cur") == ["4.a:2,S", "5.a:2,S"] }
                #expect(box.names("new") == ["6.a"])
            }
        }
    }

    @Test("moves refused mail to a folder of its own, where only the newest stay")
    func refused() async throws {
        try await withBox { box in
            let intake = RecordingIntake(mailBytesMax: 100)
            try box.deliver("1.large", String(repeating: "x", count: 101))
            try box.deliver("2.a", "second")
            try await watching(box, intake, refused: Retention(count: 2, bytes: 1000)) {
                try await waitUntil("the large one is away") { box.names(".Refused/cur") == ["1.large:2,S"] }
                #expect(intake.texts == ["second"])
                intake.settleAll(as: .refused)
                try await waitUntil("the second is away") {
                    box.names(".Refused/cur") == ["1.large:2,S", "2.a:2,S"] && box.names("new").isEmpty
                }
                try FileManager.default.setAttributes(
                    [.modificationDate: Date.distantPast], ofItemAtPath: "\(box.path)/.Refused/cur/1.large:2,S")
                try box.deliver("3.a", "third")
                try await waitUntil("the third is there") { intake.texts.count == 2 }
                intake.settleAll(as: .refused)
                try await waitUntil("the oldest is gone") {
                    box.names(".Refused/cur") == ["2.a:2,S", "3.a:2,S"]
                }
            }
            #expect(FileManager.default.fileExists(atPath: "\(box.path)/.Refused/maildirfolder"))
            #expect(intake.states.isEmpty)
        }
    }

    @Test("takes new mail even if it cannot put the old away, says so, and does it when it can")
    func stuck() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            // A file where the folder for refused mail would be.
            try Data().write(to: URL(filePath: "\(box.path)/.Refused"))
            try box.deliver("1.a", "first")
            try await watching(box, intake, interval: .milliseconds(50)) {
                try await waitUntil("the first is there") { intake.texts == ["first"] }
                intake.settleAll(as: .refused)
                try await waitUntil("it is said") { intake.failure?.contains("\(box.path)/.Refused") == true }
                try box.deliver("2.a", "second")
                try await waitUntil("the second is there") { intake.texts == ["first", "second"] }
                #expect(box.names("new") == ["1.a", "2.a"])
                try FileManager.default.removeItem(atPath: "\(box.path)/.Refused")
                try await waitUntil("the first is away") { box.names("new") == ["2.a"] && intake.failure == nil }
            }
        }
    }

    @Test("passes over what is no mail: folders, links, pipes, hidden and empty files")
    func noMail() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            let new = "\(box.path)/new"
            try FileManager.default.createDirectory(atPath: "\(new)/1.folder", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(new)/2.link", withDestinationPath: "/etc/passwd")
            #expect(mkfifo("\(new)/3.pipe", 0o600) == 0)
            try box.deliver(".4.hidden")
            try box.deliver("5.empty", "")
            try await watching(box, intake) {
                try box.deliver("6.mail", "mail")
                try await waitUntil("the mail is there") { intake.texts == ["mail"] }
            }
            #expect(box.names("new").count == 6)
            #expect(intake.failure == nil)
        }
    }

    @Test("waits where there is no room, and goes on where there is")
    func full() async throws {
        try await withBox { box in
            let intake = RecordingIntake()
            intake.isFull = true
            try box.deliver("1.a", "first")
            try await watching(box, intake, interval: .milliseconds(50)) {
                try box.deliver("2.a", "second")
                try await waitUntil("both have been looked at") { intake.rejections >= 4 }
                #expect(intake.texts.isEmpty)
                intake.isFull = false
                try await waitUntil("both are there") { intake.texts == ["first", "second"] }
            }
            #expect(box.names("new") == ["1.a", "2.a"])
        }
    }

    @Test("that is not there yet is said, and used when it comes")
    func missing() async throws {
        try await withBox(made: false) { box in
            let intake = RecordingIntake()
            try await watching(box, intake) {
                try await waitUntil("it is said") { intake.failure?.contains("No such file or directory") == true }
                #expect(intake.failure?.contains(box.path) == true)
                try box.make()
                try box.deliver("1.a", "first")
                try await waitUntil("it is there") { intake.texts == ["first"] }
                try await waitUntil("nothing is wrong any more") { intake.failure == nil }
            }
        }
    }

    @Test("says who a mail is from, with or without what the delivering system has noted")
    func senders() {
        let sender = { (text: String) in MailSender(of: Array(text.utf8)) }
        let noted = sender("Return-Path: <bounce@a.example>\nFrom: A <a@a.example>\n\nmail")
        #expect(noted.envelopeSender == "bounce@a.example" && noted.author?.text == "a@a.example")
        #expect(sender("Return-Path: <>\nFrom: MAILER-DAEMON@x.example\n\nmail").envelopeSender == "")
        #expect(sender("Return-Path: MAILER-DAEMON\nFrom: x@x.example\n\nmail").envelopeSender == "")
        #expect(
            sender("From x@x.example Thu Jan  1 12:00:00 2026\nFrom: a@a.example\n\nmail").envelopeSender
                == "a@a.example")
        let long = "\(String(repeating: "x", count: 70))@x.example"
        let forwarded = sender("Return-Path: <\(long)>\nFrom: a@a.example\n\nmail")
        #expect(forwarded.envelopeSender == "a@a.example")
        #expect(forwarded.envelopeSender(noted: "b@b.example") == "b@b.example")
        #expect(forwarded.envelopeSender(noted: "<>") == "")
        #expect(forwarded.envelopeSender(noted: nil) == "a@a.example")
        #expect(sender("From: nobody\n\nmail") == sender(""))
    }
}
