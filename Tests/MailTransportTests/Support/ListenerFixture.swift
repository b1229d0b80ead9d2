import Foundation
import Logging
import MailTransport
import NIOCore
import NIOPosix
import Synchronization

/// What a listener delivered.
final class Inbox: Sendable {
    private let stored = Mutex<[ReceivedMail]>([])
    private let arrivals: AsyncStream<ReceivedMail>
    private let arrived: AsyncStream<ReceivedMail>.Continuation

    var mails: [ReceivedMail] { stored.withLock { $0 } }

    init() {
        (arrivals, arrived) = AsyncStream.makeStream()
    }

    func store(_ mail: ReceivedMail) {
        stored.withLock { $0.append(mail) }
        arrived.yield(mail)
    }

    /// Waits for the next mail; for one task at a time.
    func next() async throws -> ReceivedMail {
        for await mail in arrivals { return mail }
        throw CancellationError()
    }
}

/// Runs a listener on a free port of the loopback address for as long as `body` takes, and then until it has shut down.
func withListener<Result: Sendable>(
    _ transferProtocol: MailListener.TransferProtocol = .smtp,
    recipients: Set<MailAddress> = [master],
    messageBytesMax: Int = 16 * 1024 * 1024,
    adjust: (inout MailListener.Configuration) -> Void = { _ in },
    deliver: @escaping MailListener.Deliver,
    body: (_ port: Int) async throws -> Result
) async throws -> Result {
    var configuration = MailListener.Configuration(
        port: 0, transferProtocol: transferProtocol, recipients: recipients, messageBytesMax: messageBytesMax
    )
    adjust(&configuration)
    let (ports, portKnown) = AsyncStream<Int>.makeStream()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let listener = MailListener(
        configuration: configuration, logger: logger, listening: { portKnown.yield($0) }, deliver: deliver
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { portKnown.finish() }
            try await listener.run()
        }
        for await port in ports {
            let result = try await body(port)
            group.cancelAll()
            try await group.waitForAll()
            return result
        }
        try await group.waitForAll()
        throw CancellationError()
    }
}

/// A client that says what a test wants it to say, right or wrong.
struct RawClient {
    let channel: any Channel
    private var chunks: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var received = ""

    fileprivate init(channel: any Channel, inbound: NIOAsyncChannelInboundStream<ByteBuffer>) {
        self.channel = channel
        chunks = inbound.makeAsyncIterator()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Says that nothing more will be sent, and goes on listening.
    func endSending() async throws {
        try await channel.close(mode: .output).get()
    }

    /// The next reply with all its lines; nil if the server has closed the connection.
    mutating func reply() async throws -> String? {
        var lines: [Substring] = []
        while true {
            while let end = received.range(of: "\r\n") {
                lines.append(Substring(received[..<end.lowerBound]))
                received.removeSubrange(..<end.upperBound)
                if lines.last?.dropFirst(3).first != "-" { return lines.joined(separator: "\n") }
            }
            guard let chunk = try await chunks.next() else { return nil }
            received += String(buffer: chunk)
        }
    }

    /// Sends a line and waits for its reply.
    mutating func ask(_ line: String) async throws -> String {
        try await send(line + "\r\n")
        return try await reply() ?? "(closed)"
    }

    /// Takes the greeting and goes as far as DATA.
    mutating func announce(to recipient: MailAddress = master) async throws {
        _ = try await reply()
        _ = try await ask("EHLO test.example")
        _ = try await ask("MAIL FROM:<\(branch)>")
        _ = try await ask("RCPT TO:<\(recipient)>")
        _ = try await ask("DATA")
    }
}

/// Connects to the loopback address.
func withClient<Result: Sendable>(
    port: Int,
    body: (inout RawClient) async throws -> Result
) async throws -> Result {
    let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .channelOption(.allowRemoteHalfClosure, value: true)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, Never>(wrappingChannelSynchronously: channel)
            }
        }
    return try await connection.executeThenClose { inbound in
        var client = RawClient(channel: connection.channel, inbound: inbound)
        return try await body(&client)
    }
}
