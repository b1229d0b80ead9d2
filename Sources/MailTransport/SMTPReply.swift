/// What the listener says: a code, and lines of text (RFC 5321, section 4.2), which may begin with an enhanced status
/// code (RFC 3463).
struct SMTPReply: Equatable {
    let code: Int
    private let lines: [String]

    /// A reply of one line; `text` is made safe to send.
    init(_ code: Int, _ text: String) {
        self.init(code, lines: [text])
    }

    /// A reply of several lines, at least one.
    init(_ code: Int, lines: [String]) {
        let ascii = { (text: String) in
            String(decoding: text.forPeople.utf8.prefix(400).map { $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        }
        self.code = code
        self.lines = lines.map(ascii)
    }

    /// The reply with its line ends.
    var wireText: String {
        lines.enumerated().map { index, line in
            "\(code)\(index == lines.count - 1 ? " " : "-")\(line)\r\n"
        }.joined()
    }

    static let idle = SMTPReply(421, "4.4.2 nothing was heard for too long, closing")
    static let tooManyConnections = SMTPReply(421, "4.3.2 too many connections, try again later")
    static let tooManyConnectionsOfClient = SMTPReply(
        421, "4.7.0 too many connections from your address, try again later")
    static let lastingTooLong = SMTPReply(421, "4.7.0 the connection has lasted too long, closing")
    static let readyForTLS = SMTPReply(220, "2.0.0 ready to begin TLS")
    static let shuttingDown = SMTPReply(421, "4.3.2 the service is shutting down, try again later")
    static let lineTooLong = SMTPReply(500, "5.5.6 the line is too long or does not end with CRLF, closing")
    static let textLineTooLong = SMTPReply(554, "5.6.0 the message has a line that is too long")

    static func tooLarge(bytesMax: Int) -> SMTPReply {
        SMTPReply(552, "5.3.4 the message is too large, the limit is \(bytesMax) bytes")
    }
}
