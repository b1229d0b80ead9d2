import ArgumentParser
import Foundation
import InterOrgServices
import Logging

/// What a mail server's pipe understands (sysexits.h).
private enum PipeStatus: Int32 {
    case usage = 64
    case dataError = 65
    case temporaryFailure = 75
    case configuration = 78

    var code: ExitCode { ExitCode(rawValue) }
}

struct Receive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Take one mail from standard input, for a mail server's pipe.",
        discussion: """
            The mail is stored durably; a running agent deals with it at once, otherwise the next one does. Works with \
            every inbox, and alone with inbox: { pipe: true }.

            Exit status, as mail servers know it: 0 stored; 75 try again later (the inbox or the disk is full, the \
            database is busy); 65 too large, or no mail at all; 78 wrong configuration; 64 wrong use.

            Example: interorg receive --config /etc/interorg/branch-a.yaml --sender "$SENDER" < mail
            """)

    /// What is wrong use of this command, a mail server has to be told in its own way.
    static let usageStatus = PipeStatus.usage.code

    @OptionGroup var common: CommonOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The envelope sender; empty for bounces.",
            discussion: "Without it: the variable SENDER, else what the mail says.", valueName: "address"))
    var sender: String?

    func run() async throws {
        let configuration: Configuration
        do {
            configuration = try common.load()
        } catch {
            throw say("\(Failure(error).message)", .configuration)
        }
        let mail: [UInt8]
        do throws(StandardInput.Failure) {
            mail = try StandardInput.read(bytesMax: configuration.mailBytesMax)
        } catch {
            throw say(error.description, error.isOfTheMail ? .dataError : .temporaryFailure)
        }
        do {
            let sender = sender ?? ProcessInfo.processInfo.environment["SENDER"]
            try await PipedMail.store(mail, from: sender, configuration, logger: makeLogger(.error))
        } catch PipedMail.Failure.refused(let reason) {
            throw say(reason, .dataError)
        } catch {
            throw say("\(error)", .temporaryFailure)
        }
    }

    private func say(_ message: String, _ status: PipeStatus) -> ExitCode {
        FileHandle.standardError.write(Data("interorg: \(message)\n".utf8))
        return status.code
    }
}

/// What comes on standard input.
private enum StandardInput {
    enum Failure: Error, CustomStringConvertible {
        case empty
        case tooLarge(bytesMax: Int)
        case unreadable(code: Int32)

        /// Whether the same mail would fail again.
        var isOfTheMail: Bool {
            switch self {
            case .empty, .tooLarge: true
            case .unreadable: false
            }
        }

        var description: String {
            switch self {
            case .empty: "there is no mail on standard input"
            case .tooLarge(let bytesMax): "the mail is too large, the limit is \(bytesMax) bytes"
            case .unreadable(let code): "standard input cannot be read: \(String(cString: strerror(code)))"
            }
        }
    }

    /// All of it.
    static func read(bytesMax: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(code: errno) }
            guard count > 0 else { break }
            guard bytes.count + count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
            bytes += buffer.prefix(count)
        }
        guard !bytes.isEmpty else { throw .empty }
        return bytes
    }
}
