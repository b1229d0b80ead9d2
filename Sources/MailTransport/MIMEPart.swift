/// A mail or a part of one: its header section and its body, still encoded (RFC 2045, RFC 2046).
struct MIMEPart {
    /// Deeper than mail systems nest what they wrap.
    private static let depthMax = 8
    /// More than any mail of ours has after being wrapped.
    private static let partsMax = 100

    let header: HeaderSection
    /// `text/plain` where the part does not say (RFC 2045, section 5.2).
    let mediaType: MediaType?
    /// The body, in the transfer encoding that the header names.
    let encodedBody: ArraySlice<UInt8>
    private let isHeaderComplete: Bool

    /// The content type with its parameters, as the part has it.
    let contentType: String

    /// - Throws: `MailFormatError`, if the header section contradicts itself or is too large.
    init(_ bytes: ArraySlice<UInt8>) throws(MailFormatError) {
        var rest = bytes
        (header, isHeaderComplete) = try HeaderSection.take(from: &rest)
        contentType = try header.only("content-type") ?? "text/plain"
        mediaType = MediaType(contentType)
        encodedBody = rest
    }

    /// The body without its transfer encoding.
    ///
    /// - Throws: `MailFormatError`, if it is damaged, cut off or in an encoding that mail does not have.
    func decodedBody() throws(MailFormatError) -> [UInt8] {
        guard isHeaderComplete else {
            throw MailFormatError(.truncated, "the mail is cut off: its header section does not end")
        }
        let encoding = try header.only("content-transfer-encoding")?.lowercased() ?? "7bit"
        switch encoding {
        case "base64":
            return try Base64.decode(encodedBody)
        case "quoted-printable":
            return try QuotedPrintable.decode(encodedBody)
        case "7bit", "8bit", "binary":
            // The last line break ends the mail, not the data.
            let withoutLineFeed = encodedBody.last == 0x0A ? encodedBody.dropLast() : encodedBody
            return Array(withoutLineFeed.last == 0x0D ? withoutLineFeed.dropLast() : withoutLineFeed)
        default:
            throw MailFormatError(
                .unsupported, "the mail uses the content transfer encoding \"\(encoding.forPeople)\", which is unknown"
            )
        }
    }

    /// This part or the first one inside it for which `condition` is true, nil if there is none. Mails that are attached
    /// to this one are not searched: what they say was said to someone else.
    func first(where condition: (MIMEPart) -> Bool) throws(MailFormatError) -> MIMEPart? {
        try first(where: condition, depth: 0)
    }

    private func first(where condition: (MIMEPart) -> Bool, depth: Int) throws(MailFormatError) -> MIMEPart? {
        if condition(self) { return self }
        guard mediaType?.isMultipart == true else { return nil }
        guard depth < Self.depthMax else {
            throw MailFormatError(.malformed, "the mail has more than \(Self.depthMax) parts inside one another")
        }
        let (parts, isClosed) = try parts()
        for (index, part) in parts.enumerated() {
            guard let found = try part.first(where: condition, depth: depth + 1) else { continue }
            guard isClosed || index < parts.count - 1 else {
                throw MailFormatError(.truncated, "the mail is cut off: the end of its last part is missing")
            }
            return found
        }
        return nil
    }

    /// The parts of a multipart body (RFC 2046, section 5.1), and whether the line that ends the last one is there.
    func parts() throws(MailFormatError) -> (parts: [MIMEPart], isClosed: Bool) {
        guard let boundary = mediaType?.parameter("boundary"), !boundary.isEmpty else {
            throw MailFormatError(.malformed, "the mail has several parts, but does not say what separates them")
        }
        let delimiter = Array("--\(boundary)".utf8)
        var parts: [MIMEPart] = []
        var partStart: Int?
        var rest = encodedBody
        while true {
            let lineStart = rest.startIndex
            guard let line = takeLine(from: &rest) else { break }
            guard line.first == delimiter.first, line.starts(with: delimiter) else { continue }
            let tail = line.dropFirst(delimiter.count).trimmingTrailing { $0 == 0x20 || $0 == 0x09 }
            let isEnd = tail.elementsEqual("--".utf8)
            guard tail.isEmpty || isEnd else { continue }
            if let partStart {
                parts.append(try MIMEPart(withoutLineBreak(encodedBody[partStart..<lineStart])))
                guard parts.count <= Self.partsMax else {
                    throw MailFormatError(.malformed, "the mail has more than \(Self.partsMax) parts")
                }
            }
            if isEnd { return (parts, true) }
            partStart = rest.startIndex
        }
        if let partStart { parts.append(try MIMEPart(encodedBody[partStart...])) }
        return (parts, false)
    }

    /// The line break before a delimiter belongs to the delimiter (RFC 2046, section 5.1.1).
    private func withoutLineBreak(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard text.last == 0x0A else { return text }
        let withoutLineFeed = text.dropLast()
        return withoutLineFeed.last == 0x0D ? withoutLineFeed.dropLast() : withoutLineFeed
    }
}
