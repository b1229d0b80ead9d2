import Foundation

/// One response of an IMAP server (RFC 9051, section 7): its text, with each literal where it stood.
struct IMAPResponse: Equatable {
    /// A piece of a response.
    enum Part: Equatable {
        /// Without the line's end and without the announcement of a literal.
        case text(String)
        case literal([UInt8])
    }

    var parts: [Part]

    /// The text without literals.
    var text: String {
        parts.map { if case .text(let text) = $0 { text } else { "" } }.joined()
    }

    /// The first literal.
    var literal: [UInt8]? {
        for case .literal(let bytes) in parts { return bytes }
        return nil
    }

    /// The text after a tag or `*`, nil if the response has another one.
    func text(after tag: String) -> String? {
        text.hasPrefix(tag + " ") ? String(text.dropFirst(tag.count + 1)) : nil
    }

    /// The number after a name, as in `RFC822.SIZE 44827`.
    func number(after name: String) -> Int? {
        let text = text
        guard let range = text.range(of: name + " ", options: .caseInsensitive) else { return nil }
        return Int(text[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }
}

/// Cuts what an IMAP server sends into responses.
struct IMAPResponseReader {
    /// The longest line, and the largest literal, in bytes; what is larger is no answer to what is asked here.
    private let lineBytesMax = 65_536
    let literalBytesMax: Int

    private var input: [UInt8] = []
    private var start = 0
    /// How far it has been searched for a line's end in vain.
    private var searched = 0
    private var parts: [IMAPResponse.Part] = []
    private var literalBytes: Int?

    init(literalBytesMax: Int) {
        self.literalBytesMax = literalBytesMax
    }

    /// Takes what the server sent.
    mutating func receive(_ bytes: ArraySlice<UInt8>) {
        if start > 0 {
            input.removeFirst(start)
            searched -= start
            start = 0
        }
        input.append(contentsOf: bytes)
    }

    /// The next response; nil if more has to come first.
    ///
    /// - Throws: `MailboxError`, if it is larger than any that is expected.
    mutating func next() throws(MailboxError) -> IMAPResponse? {
        while true {
            if let count = literalBytes {
                guard input.count - start >= count else { return nil }
                parts.append(.literal(Array(input[start..<start + count])))
                start += count
                searched = start
                literalBytes = nil
            }
            guard let end = input[max(searched, start)...].firstIndex(of: 0x0A) else {
                searched = input.count
                guard input.count - start <= lineBytesMax else {
                    throw MailboxError("the server sends an endless line")
                }
                return nil
            }
            var line = String(decoding: input[start..<end], as: UTF8.self)
            if line.hasSuffix("\r") { line.removeLast() }
            start = end + 1
            searched = start
            guard let count = Self.announcedLiteral(line) else {
                defer { parts = [] }
                return IMAPResponse(parts: parts + [.text(line)])
            }
            guard count <= literalBytesMax else {
                throw MailboxError("the server sends \(count) bytes at once, more than the limit of \(literalBytesMax)")
            }
            parts.append(.text(String(line[..<(line.lastIndex(of: "{") ?? line.endIndex)])))
            literalBytes = count
        }
    }

    /// `{310}` at the end of a line.
    private static func announcedLiteral(_ line: String) -> Int? {
        guard line.hasSuffix("}"), let brace = line.lastIndex(of: "{") else { return nil }
        let digits = line[line.index(after: brace)...].dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(digits) ?? Int.max
    }
}
