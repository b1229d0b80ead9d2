import NIOCore

/// The server's side of one SMTP (RFC 5321) or LMTP (RFC 2033) connection, without the connection: bytes come in, actions
/// go out.
///
/// After an action `deliver` the session waits for `delivered`; bytes that arrive meanwhile are kept.
struct MailSession {
    /// What the connection has to do.
    enum Action: Equatable {
        case reply(SMTPReply)
        /// See whether a mail of so many bytes can be held in memory, then call `reserved`.
        case reserve(bytes: Int)
        /// Begin TLS, then call `secured`.
        case startTLS
        /// Deliver each of these, then call `delivered` with one outcome for each.
        case deliver([ReceivedMail])
        case close
    }

    /// What became of one delivery.
    enum Delivery: Equatable {
        case stored
        case failed
        /// There is no room for it now.
        case full
        case refused(reason: String)
        case tooLarge(bytesMax: Int)

        var reply: SMTPReply {
            switch self {
            case .stored: SMTPReply(250, "2.0.0 the message is stored")
            case .failed: SMTPReply(451, "4.3.0 the message could not be stored, try again later")
            case .full: SMTPReply(452, "4.3.1 there is no room for the message now, try again later")
            case .refused(let reason): SMTPReply(554, "5.7.1 \(reason)")
            case .tooLarge(let bytesMax): .tooLarge(bytesMax: bytesMax)
            }
        }
    }

    enum Phase: Equatable {
        case command
        case securing
        case announcing
        case data
        case delivering
        case closed
    }

    let configuration: MailListener.Configuration
    var phase = Phase.command
    var input = ByteBuffer()
    var actions: [Action]
    var hasGreeted = false
    var isSecure = false
    var errors = 0
    var decoder: MessageDataDecoder?
    var transaction: Transaction?
    /// For each recipient that a reply is due for, which delivery is its.
    private var delivering: [Int] = []

    /// A mail that is being announced.
    struct Transaction {
        let sender: MailAddress?
        let sizeBytes: Int?
        var recipients: [MailAddress] = []

        /// How large the mail may become. Where its size was announced, it is kept to: with room for what a system on the
        /// way may have added since.
        func bytesMax(_ limit: Int) -> Int {
            min(limit, sizeBytes.map { $0 <= limit / 2 ? 2 * $0 + 65_536 : limit } ?? limit)
        }
    }

    /// Starts a session; its first action is the greeting.
    init(configuration: MailListener.Configuration) {
        self.configuration = configuration
        let name = configuration.transferProtocol == .lmtp ? "LMTP" : "ESMTP"
        actions = [.reply(SMTPReply(220, "\(configuration.hostName) \(name) InterOrg Sync"))]
    }

    /// Takes what the client sent.
    mutating func receive(_ chunk: ByteBuffer) {
        var chunk = chunk
        if input.readableBytes == 0 {
            input = chunk
        } else {
            input.writeBuffer(&chunk)
        }
    }

    /// The next thing to do; nil if more bytes have to come first.
    mutating func nextAction() -> Action? {
        while actions.isEmpty {
            let madeProgress =
                switch phase {
                case .command: takeCommand()
                case .data: takeData()
                case .securing, .announcing, .delivering, .closed: false
                }
            guard madeProgress else { return nil }
        }
        return actions.removeFirst()
    }

    /// Answers the client after the action `reserve`.
    mutating func reserved(_ isPossible: Bool) {
        guard phase == .announcing, let transaction else { return }
        guard isPossible else {
            phase = .command
            self.transaction = nil
            actions.append(.reply(SMTPReply(452, "4.3.1 too much mail is coming at once, try again later")))
            return
        }
        decoder = MessageDataDecoder(
            messageBytesMax: transaction.bytesMax(configuration.messageBytesMax),
            lineBytesMax: configuration.textLineBytesMax,
            expectedBytes: transaction.sizeBytes
        )
        phase = .data
        actions.append(.reply(SMTPReply(354, "send the message, end it with a dot on a line of its own")))
    }

    /// TLS has begun: the client starts from the beginning, and nothing it said before counts.
    mutating func secured() {
        guard phase == .securing else { return }
        phase = .command
        input.clear()
        isSecure = true
        hasGreeted = false
        transaction = nil
    }

    /// Answers the client after the action `deliver`.
    mutating func delivered(_ deliveries: [Delivery]) {
        guard phase == .delivering else { return }
        phase = .command
        switch configuration.transferProtocol {
        case .lmtp:
            // A recipient that was named twice has one mail, and two replies.
            actions += delivering.compactMap { index in deliveries.indices.contains(index) ? deliveries[index] : nil }
                .map { .reply($0.reply) }
        case .smtp:
            // One reply for all: whoever has the mail already gets it again, rather than somebody not at all.
            let worst =
                deliveries.first { $0 == .failed || $0 == .full } ?? deliveries.first { $0 != .stored } ?? .stored
            actions.append(.reply(worst.reply))
        }
    }

    private mutating func takeData() -> Bool {
        guard input.readableBytes > 0, var decoder else { return false }
        // The message is in one place only, or every chunk would copy it.
        self.decoder = nil
        let (taken, outcome) = input.withUnsafeReadableBytes { decoder.take($0) }
        input.moveReaderIndex(forwardBy: taken)
        guard outcome != .unfinished else {
            self.decoder = decoder
            return input.readableBytes > 0
        }
        let transaction = self.transaction
        self.transaction = nil
        phase = .command
        let recipients = transaction?.recipients ?? []
        switch outcome {
        case .unfinished:
            break
        case .complete:
            phase = .delivering
            let sender = transaction?.sender
            let bytes = decoder.message
            var distinct: [MailAddress] = []
            delivering = recipients.map { recipient in
                if let index = distinct.firstIndex(of: recipient) { return index }
                distinct.append(recipient)
                return distinct.count - 1
            }
            actions.append(
                .deliver(distinct.map { ReceivedMail(sender: sender, recipient: $0, bytes: bytes) })
            )
        case .tooLarge:
            refuse(for: recipients, with: .tooLarge(bytesMax: configuration.messageBytesMax))
        case .lineTooLong:
            refuse(for: recipients, with: .textLineTooLong)
        case .endless:
            end(with: .tooLarge(bytesMax: configuration.messageBytesMax))
        }
        return true
    }

    /// LMTP wants a reply for each recipient, SMTP one for all.
    private mutating func refuse(for recipients: [MailAddress], with reply: SMTPReply) {
        let count = configuration.transferProtocol == .lmtp ? recipients.count : 1
        actions += Array(repeating: .reply(reply), count: count)
    }
}
