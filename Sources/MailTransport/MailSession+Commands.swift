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
            guard isSecure || configuration.tls?.isRequired != true else {
                throw .init(530, "5.7.0 begin TLS first, with STARTTLS")
            }
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
        case .startTLS:
            try startTLS()
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
        var extensions = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE \(configuration.messageBytesMax)"]
        if configuration.tls != nil, !isSecure { extensions.append("STARTTLS") }
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

    /// What the client has sent after the command, in the clear, counts for nothing: somebody on the way may have put it
    /// there (RFC 3207, section 6).
    private mutating func startTLS() throws(SMTPReply.Refusal) {
        guard configuration.tls != nil else { throw .unknownCommand }
        guard !isSecure else { throw .badSequence }
        input.clear()
        phase = .securing
        actions.append(.startTLS)
    }

    private mutating func startData() throws(SMTPReply.Refusal) {
        guard let transaction else { throw .badSequence }
        guard !transaction.recipients.isEmpty else { throw .init(503, "5.5.1 there is no recipient") }
        phase = .announcing
        actions.append(.reserve(bytes: transaction.bytesMax(configuration.messageBytesMax)))
    }

    /// Says `reply` and closes the connection.
    mutating func end(with reply: SMTPReply) {
        phase = .closed
        transaction = nil
        actions += [.reply(reply), .close]
    }
}
