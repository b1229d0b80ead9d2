/// The header fields of a mail or of a part of one, unfolded (RFC 5322, section 2.2).
struct HeaderSection {
    /// Enough for any mail that has passed through many systems; what is longer is not a mail but an attack.
    private static let bytesMax = 256 * 1024

    private var fields: [(name: String, value: String)] = []

    /// The first value of the field `name` (lower case); nil if there is none.
    func first(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// The value of the field `name` (lower case), nil if there is none.
    ///
    /// - Throws: `MailFormatError`, if the field is there twice: two readers could then see two different mails.
    func only(_ name: String) throws(MailFormatError) -> String? {
        let values = fields.filter { $0.name == name }
        guard values.count < 2 else {
            throw MailFormatError(.malformed, "the mail has \(values.count) \"\(name)\" fields, only one is allowed")
        }
        return values.first?.value
    }

    /// Takes the header section off the front of `mail`, up to and including the empty line that ends it. Without such a
    /// line, all of `mail` is the header section and `isComplete` is false.
    ///
    /// - Throws: `MailFormatError`, if the section is larger than any real one.
    static func take(from mail: inout ArraySlice<UInt8>) throws(MailFormatError) -> (HeaderSection, isComplete: Bool) {
        var section = HeaderSection()
        var field: [UInt8] = []
        let start = mail.startIndex
        while let line = takeLine(from: &mail) {
            guard mail.startIndex - start <= bytesMax else {
                throw MailFormatError(.malformed, "the header section of the mail is larger than \(bytesMax) bytes")
            }
            if line.isEmpty {
                section.add(field)
                return (section, true)
            }
            if line.first == 0x20 || line.first == 0x09 {
                field.append(0x20)
                field.append(contentsOf: line.drop { $0 == 0x20 || $0 == 0x09 })
            } else {
                section.add(field)
                field = Array(line)
            }
        }
        section.add(field)
        return (section, false)
    }

    /// Adds `field`, unless it has no name: some systems put a line such as `From sender date` on top, which is no field.
    private mutating func add(_ field: [UInt8]) {
        guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = String(decoding: field[..<colon], as: UTF8.self).trimmingSpaces().lowercased()
        guard !name.isEmpty, !name.contains(" ") else { return }
        fields.append((name, String(decoding: field[(colon + 1)...], as: UTF8.self).trimmingSpaces()))
    }
}

/// Takes one line off the front of `text`, without its CRLF or LF; nil at the end.
func takeLine(from text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard !text.isEmpty else { return nil }
    let lineFeed = text.firstIndex(of: 0x0A)
    let line = text[..<(lineFeed ?? text.endIndex)]
    text = lineFeed.map { text[($0 + 1)...] } ?? text[text.endIndex...]
    return line.last == 0x0D ? line.dropLast() : line
}
