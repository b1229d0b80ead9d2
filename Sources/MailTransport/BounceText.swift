/// What can be found in the text of a bounce that has no form for programs (qmail's "QSBMF", exim's before version 4.87,
/// and others).
struct BounceText {
    /// The addresses that it names before the copy of the mail; those of `X-Failed-Recipients` first.
    let addresses: [String]
    /// The first status code of RFC 3463 in it.
    let status: String?
    /// The line with the first reply of a server in it, or else the line below the first address.
    let diagnostic: String?
    /// The identity of the mail that it has a copy of.
    let originalMessageID: MessageID?
    /// Whether the mail is late only.
    let isAboutDelay: Bool

    private static let textBytesMax = 64_000
    private static let addressesMax = 20

    init(_ mail: MIMEPart) {
        let subject = EncodedWord.decode(mail.header.first("subject") ?? "").lowercased()
        isAboutDelay = subject.contains("delayed") || subject.hasPrefix("warning: message")
        let lines = Self.lines(of: mail)
        let idField = "message-id:"
        let copy = lines.firstIndex { line in
            line.lowercased().hasPrefix(idField)
                || ["return-path:", "received:"].contains { line.lowercased().hasPrefix($0) }
        }
        let report = lines[..<(copy ?? lines.endIndex)]
        originalMessageID =
            lines.indices.lazy.filter { lines[$0].lowercased().hasPrefix(idField) }
            .compactMap { index in
                // It may stand on a line of its own.
                let value = lines[index].dropFirst(idField.count).trimmingSpaces()
                let folded = index + 1 < lines.endIndex ? lines[index + 1].trimmingSpaces() : ""
                return try? MessageID(value.isEmpty ? folded : value)
            }.first

        let failed = (mail.header.first("x-failed-recipients") ?? "").split(separator: ",").map { $0.trimmingSpaces() }
        let lineOfAddress = report.firstIndex { !Self.addresses(in: $0).isEmpty }
        var addresses: [String] = []
        for address in failed + report.flatMap(Self.addresses) where !addresses.contains(address) {
            if (try? MailAddress(address)) != nil, addresses.count < Self.addressesMax { addresses.append(address) }
        }
        self.addresses = addresses
        let reply = report.first { $0.contains(/\b[45][0-9][0-9][ \-]/) }
        let below = lineOfAddress.flatMap { report[($0 + 1)...].first { !$0.trimmingSpaces().isEmpty } }
        diagnostic = (reply ?? below)?.trimmingSpaces().forPeople
        status = report.lazy.compactMap { $0.firstMatch(of: /\b[45]\.[0-9]{1,3}\.[0-9]{1,3}\b/) }.first
            .map { String($0.output) }
    }

    private static func lines(of mail: MIMEPart) -> [String] {
        let part = (try? mail.first { $0.mediaType?.name == "text/plain" }) ?? mail
        guard let body = try? part.decodedBody() else { return [] }
        var rest = body.prefix(textBytesMax)
        var lines: [String] = []
        while let line = takeLine(from: &rest) { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }

    private static func addresses(in line: String) -> [String] {
        guard line.contains("@") else { return [] }
        return line.split { " \t<>()[],;:\"'".contains($0) }
            .filter { $0.contains("@") }
            .map { String($0.last == "." ? $0.dropLast() : $0) }
            .filter { (try? MailAddress($0)) != nil }
    }
}
