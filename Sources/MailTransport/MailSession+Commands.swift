import NIOCore

extension MailSession {
    /// More than any sender of ours needs; servers must take 100 (RFC 5321, section 4.5.3.1.8).
    private static let recipientsMax = 100
    /// A client that errs this often is not a mail system.
    private static let errorsMax = 20

    /// Carries out the command at the front of the input; false if it is not there yet.
    mutating func takeCommand() -> Bool {
        let view = input.readableBytesView
        guard let lineFeed = view.firstIndex(of: 0x0A) else {
            if view.count > configuration.commandLineBytesMax { end(with: .lineTooLong) }
            return phase == .closed
        }
        let line = view[view.startIndex..<lineFeed]
        guard line.count <= configuration.commandLineBytesMax, line.last == 0x0D else {
            end(with: .lineTooLong)
            return true
        }
        let text = String(decoding: line.dropLast(), as: UTF8.self)
        input.moveReaderIndex(forwardBy: line.count + 1)
        do {
            try perform(try SMTPCommand(line: text))
        } catch {
            errors += 1
            actions.append(.reply(error.reply))
            if errors >= Self.errorsMax { end(with: SMTPReply(421, "4.7.0 too many errors, closing")) }
        }
        return true
    }

    private mutating func perform(_ command: SMTPCommand) throws(SMTPReply.Refusal) {
        switch command {
        case .hello(let verb):
            try greet(verb: verb)
        case .mail(let sender, let sizeBytes):
            guard hasGreeted, transaction == nil else { throw .badSequence }
            if let sizeBytes, sizeBytes > configuration.messageBytesMax {
                actions.append(.reply(.tooLarge(bytesMax: configuration.messageBytesMax)))
                return
            }
            transaction = Transaction(sender: sender, sizeBytes: sizeBytes)
            actions.append(.reply(SMTPReply(250, "2.1.0 the sender is noted")))
        case .recipient(let address):
            try add(address)
        case .data:
            try startData()
        case .reset:
            transaction = nil
            actions.append(.reply(SMTPReply(250, "2.0.0 nothing is announced")))
        case .nothing:
            actions.append(.reply(SMTPReply(250, "2.0.0 here")))
        case .verify:
            actions.append(.reply(SMTPReply(252, "2.5.0 addresses are judged by RCPT")))
        case .quit:
            end(with: SMTPReply(221, "2.0.0 goodbye"))
        }
    }

    private mutating func greet(verb: String) throws(SMTPReply.Refusal) {
        guard (verb == "LHLO") == (configuration.transferProtocol == .lmtp) else {
            let wanted = configuration.transferProtocol == .lmtp ? "LMTP: say LHLO" : "SMTP: say EHLO"
            throw .init(500, "5.5.1 this is \(wanted)")
        }
        hasGreeted = true
        transaction = nil
        guard verb != "HELO" else {
            actions.append(.reply(SMTPReply(250, configuration.hostName)))
            return
        }
        let extensions = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE \(configuration.messageBytesMax)"]
        actions.append(.reply(SMTPReply(250, lines: [configuration.hostName] + extensions)))
    }

    private mutating func add(_ recipient: MailAddress) throws(SMTPReply.Refusal) {
        guard transaction != nil else { throw .badSequence }
        guard configuration.recipients.contains(recipient) else {
            throw .init(550, "5.1.1 \(recipient) is not known here")
        }
        guard (transaction?.recipients.count ?? 0) < Self.recipientsMax else {
            throw .init(452, "4.5.3 too many recipients")
        }
        transaction?.recipients.append(recipient)
        actions.append(.reply(SMTPReply(250, "2.1.5 the recipient is known")))
    }

    private mutating func startData() throws(SMTPReply.Refusal) {
        guard let transaction else { throw .badSequence }
        guard !transaction.recipients.isEmpty else { throw .init(503, "5.5.1 there is no recipient") }
        decoder = MessageDataDecoder(
            messageBytesMax: configuration.messageBytesMax,
            lineBytesMax: configuration.textLineBytesMax,
            expectedBytes: transaction.sizeBytes
        )
        phase = .data
        actions.append(.reply(SMTPReply(354, "send the message, end it with a dot on a line of its own")))
    }

    /// Says `reply` and closes the connection.
    mutating func end(with reply: SMTPReply) {
        phase = .closed
        transaction = nil
        actions += [.reply(reply), .close]
    }
}
