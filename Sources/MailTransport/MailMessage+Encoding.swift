import Foundation

extension MailMessage {
    /// No header section that `encoded` makes is longer: two addresses and three identities of at most 320 bytes, a
    /// subject and a content type of at most 320 bytes that may grow threefold, and the names of the fields.
    static let headerBytesMax = 4608

    /// The most bytes that a mail has whose sealed body has `bodyBytes` bytes: base64 in lines of 76 characters, and the
    /// header section.
    public static func encodedBytesMax(bodyBytes: Int) -> Int {
        headerBytesMax + Base64.encodedBytes(bodyBytes)
    }

    /// The most bytes that a mail has which carries a payload of `payloadBytes` bytes in `envelope`.
    ///
    /// Compression only makes it smaller: whoever wants to fill a mail seals first and asks `encodedBytesMax(bodyBytes:)`.
    public static func encodedBytesMax(payloadBytes: Int, in envelope: any SealedEnvelope) -> Int {
        encodedBytesMax(bodyBytes: envelope.sealedBytesMax(payloadBytes: payloadBytes))
    }

    /// The mail as it is handed to a mail system: ASCII, lines of at most 78 characters ended by CRLF.
    public func encoded() -> [UInt8] {
        var fields: [(name: String, value: String)] = [
            ("Date", RFC5322Date.text(date)),
            ("From", from.text),
            ("To", to.text),
            ("Message-ID", messageID.text),
        ]
        if let inReplyTo {
            fields.append(("In-Reply-To", inReplyTo.text))
            fields.append(("References", inReplyTo.text))
        }
        fields += [
            ("Subject", EncodedWord.encode(subject, fieldName: "Subject")),
            ("Auto-Submitted", autoSubmitted.rawValue),
            ("MIME-Version", "1.0"),
            ("Content-Type", Self.folded(contentType: body.contentType)),
            ("Content-Transfer-Encoding", "base64"),
        ]
        var mail: [UInt8] = []
        mail.reserveCapacity(Self.encodedBytesMax(bodyBytes: body.bytes.count))
        for field in fields {
            mail.append(contentsOf: "\(field.name): \(field.value)\r\n".utf8)
        }
        mail.append(contentsOf: "\r\n".utf8)
        mail.append(contentsOf: Base64.encodeLines(body.bytes))
        return mail
    }

    /// Puts each parameter of a long content type on a line of its own.
    private static func folded(contentType: String) -> String {
        let fieldNameBytes = "Content-Type: ".utf8.count
        guard fieldNameBytes + contentType.utf8.count > 78 else { return contentType }
        var isQuoted = false
        var isEscaped = false
        var folded = ""
        var isAfterSemicolon = false
        for character in contentType {
            if isAfterSemicolon {
                if character == " " { continue }
                folded += "\r\n "
                isAfterSemicolon = false
            }
            if !isEscaped, character == "\"" { isQuoted.toggle() }
            isEscaped = isQuoted && !isEscaped && character == "\\"
            folded.append(character)
            isAfterSemicolon = !isQuoted && character == ";"
        }
        return folded
    }
}
