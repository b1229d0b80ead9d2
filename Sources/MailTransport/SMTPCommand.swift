/// A command of SMTP (RFC 5321, section 4.1) or LMTP (RFC 2033).
enum SMTPCommand: Equatable {
    case hello(verb: String)
    /// The sender is nil for the empty reverse-path.
    case mail(from: MailAddress?, sizeBytes: Int?)
    case recipient(MailAddress)
    case data
    case reset
    case nothing
    case verify
    case startTLS
    case quit

    /// Reads a command line without its CRLF.
    ///
    /// - Throws: `SMTPReply.Refusal` with the reply to give.
    init(line: String) throws(SMTPReply.Refusal) {
        let verbEnd = line.firstIndex(of: " ") ?? line.endIndex
        let verb = line[..<verbEnd].uppercased()
        let argument = line[verbEnd...].trimmingSpaces()
        switch verb {
        case "HELO", "EHLO", "LHLO":
            guard !argument.isEmpty else { throw .init(501, "5.5.4 \(verb) needs a name") }
            self = .hello(verb: verb)
        case "MAIL":
            let (path, parameters) = try Self.path(argument, after: "FROM:")
            let sizeBytes = try Self.mailSizeBytes(parameters)
            self = .mail(from: path.isEmpty ? nil : try Self.address(path, refusedAs: "5.1.7"), sizeBytes: sizeBytes)
        case "RCPT":
            let (path, parameters) = try Self.path(argument, after: "TO:")
            guard parameters.isEmpty else { throw .init(555, "5.5.4 no parameters are known for RCPT") }
            self = .recipient(try Self.address(path, refusedAs: "5.1.3"))
        case "DATA": self = .data
        case "RSET": self = .reset
        case "NOOP": self = .nothing
        case "VRFY": self = .verify
        case "STARTTLS":
            guard argument.isEmpty else { throw .init(501, "5.5.4 STARTTLS has no parameters") }
            self = .startTLS
        case "QUIT": self = .quit
        default: throw .unknownCommand
        }
    }

    /// Splits `FROM:<path> parameters`.
    private static func path(
        _ argument: String,
        after keyword: String
    ) throws(SMTPReply.Refusal) -> (path: String, parameters: [Substring]) {
        let refusal = SMTPReply.Refusal(501, "5.5.4 expected \(keyword)<address>")
        guard argument.uppercased().hasPrefix(keyword) else { throw refusal }
        let rest = argument.dropFirst(keyword.count).trimmingSpaces()
        guard rest.first == "<", let end = rest.firstIndex(of: ">") else { throw refusal }
        let path = rest[rest.index(after: rest.startIndex)..<end]
        return (String(path), rest[rest.index(after: end)...].split(separator: " "))
    }

    private static func address(_ path: String, refusedAs status: String) throws(SMTPReply.Refusal) -> MailAddress {
        do {
            return try MailAddress(path)
        } catch {
            throw .init(553, "\(status) \(error.description)")
        }
    }

    /// The value of SIZE (RFC 1870), nil without one. BODY (RFC 6152) says nothing that matters here.
    private static func mailSizeBytes(_ parameters: [Substring]) throws(SMTPReply.Refusal) -> Int? {
        var sizeBytes: Int?
        for parameter in parameters {
            let halves = parameter.split(separator: "=", maxSplits: 1)
            let value = halves.count == 2 ? halves[1] : ""
            switch halves.first?.uppercased() {
            case "SIZE":
                guard let size = Int(value), size >= 0 else { throw .init(501, "5.5.4 SIZE needs a number of bytes") }
                sizeBytes = size
            case "BODY" where ["7BIT", "8BITMIME"].contains(value.uppercased()):
                continue
            default:
                throw .init(555, "5.5.4 the parameter \(parameter) is unknown")
            }
        }
        return sizeBytes
    }
}

extension SMTPReply {
    /// A command that is answered with a reply instead of being carried out.
    struct Refusal: Error {
        static let unknownCommand = Refusal(500, "5.5.2 the command is unknown")
        static let badSequence = Refusal(503, "5.5.1 this command does not belong here")

        let reply: SMTPReply

        init(_ code: Int, _ text: String) {
            reply = SMTPReply(code, text)
        }
    }
}
